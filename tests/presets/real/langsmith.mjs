// What LangChain's tracers are given: a model's run, and a chain's with what is below it.
import { library } from './library.mjs';

const { FakeListChatModel } = library('@langchain/core/utils/testing');
const { BaseTracer } = library('@langchain/core/tracers/base');
const { RunnableLambda } = library('@langchain/core/runnables');
const { HumanMessage, SystemMessage } = library('@langchain/core/messages');

class Printer extends BaseTracer {
  name = 'printer';
  print({ child_runs, ...run }) {
    console.log(JSON.stringify(run));
    for (const child of child_runs ?? []) this.print(child);
  }
  async persistRun(run) {
    this.print(run);
  }
}
const callbacks = [new Printer()];
const model = new FakeListChatModel({ responses: ['Hello there.'] });
await model.invoke([new SystemMessage('Be brief.'), new HumanMessage('hi')], {
  callbacks,
  metadata: { user_id: 'u-1', thread_id: 't-1' },
});
const chain = RunnableLambda.from(({ question }) => [new HumanMessage(question)]).pipe(model);
await chain.invoke({ question: 'chained' }, { callbacks, metadata: { user_id: 'u-2', thread_id: 't-2' } });
