import { behaviourAskedFor } from './provider-behaviour.js';
import { startProviderServer } from './provider-server.js';
import type { ProviderServer } from './provider-server.js';

let server: ProviderServer;
beforeEach(async () => {
  server = await startProviderServer();
});
afterEach(() => server.stop());

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const chat = (content: string): Promise<Response> =>
  post('/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content }] });

describe('the provider server', () => {
  it('speaks Gemini', async () => {
    const body = { contents: [{ role: 'user', parts: [{ text: 'hello' }] }] };
    const response = await post('/v1beta/models/m:generateContent', body, { 'x-goog-api-key': 'k' });
    expect(await response.json()).toMatchObject({
      candidates: [{ content: { parts: [{ text: 'echo: hello' }] }, finishReason: 'STOP' }],
    });
  });

  it('speaks OpenAI chat completions', async () => {
    expect(await (await chat('hello')).json()).toMatchObject({
      choices: [{ message: { role: 'assistant', content: 'echo: hello' } }],
    });
  });

  it('speaks Anthropic messages', async () => {
    const body = {
      model: 'm',
      max_tokens: 9,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
    };
    const response = await post('/v1/messages', body, { 'x-api-key': 'k' });
    expect(await response.json()).toMatchObject({ type: 'message', content: [{ type: 'text', text: 'echo: hello' }] });
  });

  it('refuses what the providers refuse', async () => {
    const twice = [
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
    ];
    expect(
      (await post('/v1/messages', { model: 'm', max_tokens: 9, messages: twice }, { 'x-api-key': 'k' })).status,
    ).toBe(400);
    expect((await post('/v1/messages', { model: 'm', max_tokens: 9, messages: twice })).status).toBe(401);
    expect((await post('/v1beta/models/m:generateContent', { contents: [] })).status).toBe(403);
    expect((await post('/v1/elsewhere', {})).status).toBe(404);
  });

  it('does what marks in the last message ask for, that often', async () => {
    const statuses = [await chat('[[fail 500 x2]]'), await chat('[[fail 500 x2]]'), await chat('[[fail 500 x2]]')].map(
      ({ status }) => status,
    );
    expect(statuses).toEqual([500, 500, 200]);
    expect((await chat('[[quota 7]]')).headers.get('retry-after')).toBe('7');
  });

  it('is controlled over HTTP, and tells what it was asked', async () => {
    expect((await post('/__script', [{ kind: 'fail', status: 503 }])).status).toBe(204);
    expect([(await chat('a')).status, (await chat('b')).status]).toEqual([503, 200]);
    expect(await (await fetch(`${server.url}/__requests`)).json()).toMatchObject([
      { question: 'a' },
      { question: 'b' },
    ]);
    expect(await (await fetch(`${server.url}/__requests?question=b`)).json()).toMatchObject([
      { question: 'b', wire: 'openai' },
    ]);
  });

  it('ends what hangs when it stops', async () => {
    const hanging = chat('[[hang]]');
    const ended = expect(hanging).rejects.toThrow();
    while (server.requests().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await server.stop();
    await ended;
  });
});

describe('marks', () => {
  it('go together', () => {
    expect(behaviourAskedFor('please [[slow 800]] then [[fail 502 x1]]')).toEqual({
      kind: 'fail',
      status: 502,
      delayMs: 800,
      times: 1,
    });
    expect(behaviourAskedFor('[[unknown]] [fail 500]')).toEqual({ kind: 'answer' });
  });
});
