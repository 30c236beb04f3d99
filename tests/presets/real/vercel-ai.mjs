// The AI SDK's spans, from its own mock models, as the OTLP exporter's serializer writes them.
import { library } from './library.mjs';

const { generateText, streamText, generateObject, jsonSchema, tool } = library('ai');
const { MockLanguageModelV2 } = library('ai/test');
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = library('@opentelemetry/sdk-trace-base');
const { JsonTraceSerializer } = library('@opentelemetry/otlp-transformer');

const memory = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
const experimental_telemetry = {
  isEnabled: true,
  functionId: 'support',
  metadata: { userId: 'u-1', sessionId: 's-1', plan: 'paid' },
  tracer: provider.getTracer('ai'),
};
const usage = { inputTokens: 3, outputTokens: 4, totalTokens: 7 };
const model = (modelId, content, finishReason = 'stop') =>
  new MockLanguageModelV2({ modelId, doGenerate: async () => ({ content, finishReason, usage, warnings: [] }) });
const text = (text) => [{ type: 'text', text }];

await generateText({ model: model('plain', text('Hello.')), system: 'Be brief.', prompt: 'hi', experimental_telemetry });
await generateText({
  model: model('turns', text('Four.')),
  messages: [
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
    { role: 'user', content: [{ type: 'text', text: 'three' }] },
  ],
  experimental_telemetry,
});
const city = jsonSchema({ type: 'object', properties: { city: { type: 'string' } } });
await generateText({
  model: model('tool', [{ type: 'tool-call', toolCallId: 'c1', toolName: 'weather', input: '{"city":"Rome"}' }], 'tool-calls'),
  prompt: 'weather?',
  tools: { weather: tool({ inputSchema: city }) },
  experimental_telemetry,
});
await generateObject({ model: model('object', text('{"city":"Oslo"}')), schema: city, prompt: 'where?', experimental_telemetry });
const parts = [
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'Str' },
  { type: 'text-delta', id: '1', delta: 'eam' },
  { type: 'text-end', id: '1' },
  { type: 'finish', finishReason: 'stop', usage },
];
const stream = new ReadableStream({
  start(controller) {
    for (const part of parts) controller.enqueue(part);
    controller.close();
  },
});
const streaming = new MockLanguageModelV2({ modelId: 'stream', doStream: async () => ({ stream }) });
await streamText({ model: streaming, prompt: 'stream it', experimental_telemetry }).consumeStream();
const failing = new MockLanguageModelV2({
  modelId: 'fail',
  doGenerate: async () => {
    throw new Error('overloaded');
  },
});
await generateText({ model: failing, prompt: 'fail', maxRetries: 0, experimental_telemetry }).catch(() => {});

for (const span of memory.getFinishedSpans())
  console.log(new TextDecoder().decode(JsonTraceSerializer.serializeRequest([span])));
