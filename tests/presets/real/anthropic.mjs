// The Anthropic SDK's objects, whole and put together from a stream; the server is a function.
import { library } from './library.mjs';

const { Anthropic } = library('@anthropic-ai/sdk');
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-test',
  content: [
    { type: 'text', text: 'Hello.' },
    { type: 'tool_use', id: 'toolu_1', name: 'find', input: { q: 'x' } },
  ],
  stop_reason: 'tool_use',
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 9 },
};
const event = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const stream =
  event({ type: 'message_start', message: { ...message, id: 'msg_2', content: [], stop_reason: null } }) +
  event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) +
  event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Str' } }) +
  event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'eamed.' } }) +
  event({ type: 'content_block_stop', index: 0 }) +
  event({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 4 } }) +
  event({ type: 'message_stop' });
const fetch = async (url, { body }) =>
  JSON.parse(body).stream
    ? new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
    : new Response(JSON.stringify(message), { headers: { 'content-type': 'application/json' } });
const client = new Anthropic({ apiKey: 'none', fetch });
const request = { model: 'claude-test', max_tokens: 99, metadata: { user_id: 'u-1' }, messages: [{ role: 'user', content: 'hi' }] };
console.log(JSON.stringify({ request, response: await client.messages.create(request) }));
console.log(JSON.stringify({ request, response: await client.messages.stream(request).finalMessage() }));
