import { inspect } from 'node:util';
import { startProviderServer } from '@edgechat/testing';
import type { ProviderServer } from '@edgechat/testing';
import { AnswerFailed } from '../ports/language-model.js';
import type { Answer, ChatTurn, LanguageModel } from '../ports/language-model.js';
import { createLanguageModel } from './create-language-model.js';
import { deadlineIn } from './test-requests.js';
import type { AiSettings } from './create-language-model.js';

const KEY = 'sk-secret-4711';

let server: ProviderServer;
beforeAll(async () => {
  server = await startProviderServer();
});
afterAll(() => server.stop());

type Provider = 'gemini' | 'openai' | 'anthropic';

function aModel(aiProvider: Provider, settings: Partial<AiSettings> = {}): LanguageModel {
  const { gemini, openai, anthropic } = server.baseUrls;
  return createLanguageModel({
    aiProvider,
    geminiApiKey: KEY,
    geminiModel: 'm-1',
    geminiBaseUrl: gemini,
    openaiApiKey: KEY,
    openaiModel: 'm-1',
    openaiBaseUrl: openai,
    anthropicApiKey: KEY,
    anthropicModel: 'm-1',
    anthropicBaseUrl: anthropic,
    ...settings,
  });
}

/** What every implementation of `LanguageModel` behind a network promises, over the real wire format. */
describe.each<Provider>(['gemini', 'openai', 'anthropic'])('%s', (provider) => {
  const ask = (content: string, { within = 10_000, model = aModel(provider) } = {}): Promise<Answer> =>
    model.complete({ messages: [{ role: 'user', content }], ...deadlineIn(within) });
  const failureOf = (content: string, options?: { within?: number; model?: LanguageModel }): Promise<unknown> =>
    ask(content, options).then(
      () => 'no failure',
      (error: unknown) => error,
    );
  /** A question that no other test asks. */
  const question = (marks: string): string => `${provider} ${expect.getState().currentTestName ?? ''} ${marks}`;
  const triesFor = (asked: string): number => server.requests(asked).length;
  const pausesOf = (asked: string): number[] => {
    const receivedAt = server.requests(asked).map((request) => request.receivedAt);
    return receivedAt.slice(1).map((at, i) => at - (receivedAt[i] ?? 0));
  };

  it('answers, with what it cost and who answered', async () => {
    const asked = question('Grüße, 世界 😀');
    const model = aModel(provider);
    expect(await ask(asked, { model })).toEqual({
      text: `echo: ${asked}`,
      tokensIn: asked.length,
      tokensOut: asked.length + 6,
      calls: 1,
      failedCalls: [],
      isHistoryRefused: false,
      finishReason: 'stop',
    });
    expect([model.provider, model.model]).toEqual([provider, 'm-1']);
    expect(server.requests(asked)).toMatchObject([{ wire: provider, model: 'm-1' }]);
  });

  it('shows the key to the provider', async () => {
    const asked = question('');
    await ask(asked);
    expect(inspect(server.requests(asked)[0]?.headers)).toContain(KEY);
  });

  it('sends the history in a form that the provider takes', async () => {
    const asked = question('');
    const turns = [
      ['system', 'Be kind.'],
      ['model', 'lost its question'],
      ['user', 'one'],
      ['user', 'two'],
      ['model', 'answer'],
      ['user', asked],
    ];
    const messages = turns.map(([role, content]) => ({ role, content }) as ChatTurn);
    const { text } = await aModel(provider).complete({ messages, ...deadlineIn(10_000) });
    expect(text).toBe(`echo: ${asked}`);

    const [request] = server.requests(asked);
    expect(request?.turns.map(({ texts }) => texts)).toEqual([['one\n\ntwo'], ['answer'], [asked]]);
    expect(JSON.stringify(request?.body)).toContain('"Be kind."');
    expect(JSON.stringify(request?.body)).not.toContain('lost its question');
  });

  it('is shown who said what, each text with its author, in a form that the provider takes', async () => {
    const asked = question('');
    const messages: ChatTurn[] = [
      ['Ada', 'one'],
      ['Bob', 'Ada: two'],
      ['Ada', asked],
    ].map(([speaker = '', content = '']) => ({ role: 'user', speaker, content }));
    await aModel(provider).complete({ messages, ...deadlineIn(10_000) });

    expect(server.requests(`⟦Ada⟧ ${asked}`)[0]?.turns).toEqual([
      { role: 'user', texts: [`⟦Ada⟧ one\n\n⟦Bob⟧ Ada: two\n\n⟦Ada⟧ ${asked}`] },
    ]);
  });

  it('does not mix up answers that run side by side', async () => {
    const questions = Array.from({ length: 20 }, (_, i) => question(`[[slow ${(i * 7) % 50}]] ${i}`));
    const answers = await Promise.all(questions.map((asked) => ask(asked)));
    expect(answers.map(({ text }) => text)).toEqual(questions.map((asked) => `echo: ${asked}`));
  });

  // The next two wait for real pauses, so all their cases run side by side.
  it('asks up to 3 times, with growing pauses, when provider or connection breaks', async () => {
    const questions = ['fail 500 x2', 'fail 503 x2', 'drop x2', 'cut x2', 'malformed x2'].map((mark) =>
      question(`[[${mark}]]`),
    );
    const answers = await Promise.all(questions.map((asked) => ask(asked)));
    expect(answers.map(({ text }) => text)).toEqual(questions.map((asked) => `echo: ${asked}`));

    const pauses = questions.map(pausesOf);
    expect(pauses.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2]);
    expect(Math.min(...pauses.map(([first]) => first ?? 0))).toBeGreaterThanOrEqual(245);
    expect(Math.min(...pauses.map(([, second]) => second ?? 0))).toBeGreaterThanOrEqual(495);
  });

  it('gives up after 3 tries', async () => {
    const questions = ['fail 500', 'fail 529', 'drop', 'cut', 'malformed'].map((mark) => question(`[[${mark}]]`));
    const failures = await Promise.all(questions.map((asked) => failureOf(asked)));
    expect(failures).toMatchObject(
      ['ai_failed', 'ai_overloaded', 'ai_failed', 'ai_failed', 'ai_failed'].map((code) => ({
        name: 'AnswerFailed',
        code,
        retryAfterS: null,
        // One call is left, for who can wait.
        isPassing: true,
        calls: 3,
      })),
    );
    expect(questions.map(triesFor)).toEqual([3, 3, 3, 3, 3]);
  });

  it.each(['fail 400', 'fail 401', 'fail 404', 'empty', 'redirect', 'huge'])(
    'asks once when it gets [[%s]]',
    async (mark) => {
      const asked = question(`[[${mark}]]`);
      expect(await failureOf(asked)).toMatchObject({ name: 'AnswerFailed', retryAfterS: null, calls: 1 });
      expect(triesFor(asked)).toBe(1);
    },
  );

  it.each([
    ['[[quota 7]]', 7],
    ['[[quota]]', 60],
  ])('passes on a used-up quota: %s', async (mark, seconds) => {
    const asked = question(mark);
    expect(await failureOf(asked)).toMatchObject({
      name: 'AnswerFailed',
      code: 'ai_quota_exceeded',
      retryAfterS: seconds,
    });
    expect(triesFor(asked)).toBe(1);
  });

  it('reads a Retry-After that is a date', async () => {
    server.script({ kind: 'fail', status: 429, retryAfter: new Date(Date.now() + 90_000).toUTCString() });
    const failure = await failureOf(question(''));
    expect(failure instanceof AnswerFailed ? failure.retryAfterS : 0).toBeGreaterThan(80);
    expect(failure instanceof AnswerFailed ? failure.retryAfterS : 0).toBeLessThanOrEqual(90);
  });

  it('ends at its deadline when the provider hangs', async () => {
    const startedAt = Date.now();
    expect(await failureOf(question('[[hang]]'), { within: 300 })).toMatchObject({
      code: 'ai_timed_out',
      cause: { name: 'TimeoutError' },
    });
    expect(Date.now() - startedAt).toBeLessThan(2_000);
  });

  it('begins no call that cannot end before its deadline, and says what failed before', async () => {
    const asked = question('');
    server.script({ kind: 'fail', status: 500 }, { kind: 'fail', status: 503, retryAfter: '60' });
    expect(await failureOf(asked, { within: 30_000 })).toMatchObject({
      code: 'ai_overloaded',
      retryAfterS: 60,
      isPassing: false,
      calls: 2,
    });
    expect(triesFor(asked)).toBe(2);
  });

  it('asks nobody when its deadline has passed', async () => {
    const asked = question('');
    const answer = aModel(provider).complete({
      messages: [{ role: 'user', content: asked }],
      ...deadlineIn(10_000),
      signal: AbortSignal.abort(),
    });
    await expect(answer).rejects.toMatchObject({ name: 'AnswerFailed', code: 'ai_timed_out', calls: 0 });
    expect(triesFor(asked)).toBe(0);
  });

  it('fails when nobody listens', async () => {
    const stopped = await startProviderServer();
    await stopped.stop();
    const nobody = `${stopped.url}/v1`;
    const model = aModel(provider, { geminiBaseUrl: nobody, openaiBaseUrl: nobody, anthropicBaseUrl: nobody });
    expect(await failureOf('hello', { model })).toMatchObject({
      code: 'ai_failed',
      cause: { message: 'AI provider: unreachable (ECONNREFUSED)' },
    });
  });

  it('fails, and says nothing more, when it is asked nothing', async () => {
    const answer = aModel(provider).complete({
      messages: [{ role: 'model', content: 'hello' }],
      ...deadlineIn(1_000),
    });
    await expect(answer).rejects.toMatchObject({ name: 'AnswerFailed', code: 'ai_failed' });
  });

  it('replaces what no store can keep', async () => {
    server.script({ kind: 'answer', text: 'a\0b\ud800c😀' });
    expect((await ask(question(''))).text).toBe('a\uFFFDb\uFFFDc😀');
  });

  it('cuts an answer at 100,000 code points', async () => {
    server.script({ kind: 'answer', text: '😀'.repeat(100_001) });
    expect(await ask(question(''))).toMatchObject({ text: '😀'.repeat(100_000), finishReason: 'length' });
  });

  it('keeps key, address and all words out of its errors', async () => {
    const marks = ['fail 401', 'fail 500', 'drop', 'cut', 'malformed', 'empty', 'redirect', 'huge', 'quota'];
    const failures = await Promise.all(marks.map((mark) => failureOf(question(`[[${mark}]] a person’s words`))));
    const shown = inspect(failures, { depth: Infinity, showHidden: true });
    expect([KEY, server.url, 'scripted', 'a person’s words'].filter((secret) => shown.includes(secret))).toEqual([]);
    expect(shown).toContain('AnswerFailed');
  });

  it('keeps a key that no header can have out of the error', async () => {
    const bad = `${KEY}\nx`;
    const model = aModel(provider, { geminiApiKey: bad, openaiApiKey: bad, anthropicApiKey: bad });
    const failure = await failureOf('hello', { model });
    expect(failure).toMatchObject({ name: 'AnswerFailed', cause: { message: 'AI provider: unexpected (TypeError)' } });
    expect(inspect(failure, { depth: Infinity, showHidden: true })).not.toContain(KEY);
  });
});

describe.each<Provider>(['gemini', 'openai'])('%s, which may leave the counts out', (provider) => {
  it('counts the tokens itself then', async () => {
    const answer = await aModel(provider).complete({
      messages: [{ role: 'user', content: '世界 [[nousage]]' }],
      ...deadlineIn(10_000),
    });
    expect(answer.tokensIn).toBeGreaterThan(2);
    expect(answer.tokensOut).toBeGreaterThan(answer.tokensIn);
  });
});

describe('an OpenAI-compatible server of one’s own', () => {
  it('is asked without a key', async () => {
    const model = aModel('openai', { openaiApiKey: undefined });
    const { text } = await model.complete({
      messages: [{ role: 'user', content: 'no key' }],
      ...deadlineIn(10_000),
    });
    expect(text).toBe('echo: no key');
    expect(server.requests('no key')[0]?.headers).not.toHaveProperty('authorization');
  });
});
