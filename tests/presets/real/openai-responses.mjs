// The OpenAI SDK's Responses objects; the server is a function.
import { library } from './library.mjs';

const { OpenAI } = library('openai');
const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1760000000,
  status: 'completed',
  model: 'gpt-5',
  error: null,
  output: [
    { type: 'reasoning', id: 'rs_1', summary: [] },
    { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Hello.', annotations: [] }] },
  ],
  usage: { input_tokens: 3, output_tokens: 9, total_tokens: 12, output_tokens_details: { reasoning_tokens: 7 } },
};
const fetch = async () => new Response(JSON.stringify(response), { headers: { 'content-type': 'application/json' } });
const client = new OpenAI({ apiKey: 'none', fetch });
const request = { model: 'gpt-5', input: 'hi', safety_identifier: 'u-1' };
console.log(JSON.stringify({ request, response: await client.responses.create(request) }));
console.log(JSON.stringify(await client.responses.create(request)));
