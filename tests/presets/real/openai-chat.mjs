// The OpenAI SDK's objects, as an application logs them beside its request; the server is a function.
import { library } from './library.mjs';

const { OpenAI } = library('openai');
const answer = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1760000000,
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.', refusal: null }, logprobs: null, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};
const chunk = (delta, finish_reason = null) =>
  `data: ${JSON.stringify({ ...answer, id: 'chatcmpl-2', object: 'chat.completion.chunk', usage: null, choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const headers = { 'content-type': 'application/json' };
let status = 200;
const fetch = async (url, { body }) => {
  if (status !== 200) return new Response(JSON.stringify({ error: { message: 'Too fast', type: 'requests', code: 'rate_limit_exceeded' } }), { status, headers });
  if (!JSON.parse(body).stream) return new Response(JSON.stringify(answer), { headers });
  const events = chunk({ role: 'assistant', content: 'Str' }) + chunk({ content: 'eamed.' }) + chunk({}, 'stop') + 'data: [DONE]\n\n';
  return new Response(events, { headers: { 'content-type': 'text/event-stream' } });
};
const client = new OpenAI({ apiKey: 'none', fetch, maxRetries: 0 });
const request = { model: 'gpt-4o', user: 'u-1', messages: [{ role: 'user', content: 'hi' }] };

console.log(JSON.stringify({ request, response: await client.chat.completions.create(request) }));
const stream = client.chat.completions.stream(request);
console.log(JSON.stringify({ request, response: await stream.finalChatCompletion() }));
status = 429;
await client.chat.completions.create(request).catch((error) => console.log(JSON.stringify({ request, error })));
