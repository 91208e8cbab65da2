import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * A provider as OpenAI's API is, that takes its time for each answer, so that answers have to be waited for.
 * @param {number} answersAfterMs
 * @returns {Promise<{ baseUrl: string, close: () => void }>}
 */
export async function startProvider(answersAfterMs) {
  let answered = 0;
  const server = http.createServer(async (request, response) => {
    request.resume().on('error', () => undefined);
    response.on('error', () => undefined);
    await wait(answersAfterMs);
    answered += 1;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(completion(answered)));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { baseUrl: `http://127.0.0.1:${server.address().port}/v1`, close };
}

const completion = (number) => ({
  id: `chatcmpl-${number}`,
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'drill',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: `Answer ${number}.` },
      finish_reason: 'stop',
      logprobs: null,
    },
  ],
  usage: { prompt_tokens: 100, completion_tokens: 3, total_tokens: 103 },
});
