// The libraries that write the logs here, from the directory that RAINGAUGE_NODE_MODULES names; 77 (skipped) without it.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const modules = process.env.RAINGAUGE_NODE_MODULES;
const require = createRequire(resolve(modules || '.', 'x.js'));

export function library(name) {
  try {
    if (modules) return require(name);
  } catch (e) {
    if (e.code !== 'MODULE_NOT_FOUND') throw e;
  }
  console.error(`RAINGAUGE_NODE_MODULES has no ${name}: skipped`);
  process.exit(77);
}

// What an application tells its logger, however that writes it: message and fields.
export const said = [
  ['chat', { userId: 'u-1', sessionId: 's-1', model: 'gpt-4o', prompt: 'hi "you"', completion: 'hello\nthere', latencyMs: 812 }],
  ['chat', { user: { id: 'u-2', plan: 'paid' }, model: 'gpt-4o', messages: [{ role: 'user', content: 'Where? ☂' }], answer: 'There.' }],
  ['rated', { messageId: 'm-1', rating: 'up', comment: 'nice' }],
  ['ready', { port: 8080 }],
];
