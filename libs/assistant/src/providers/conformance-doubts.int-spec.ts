import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startProviderServer } from '@edgechat/testing';
import type { Behaviour, ProviderRequest, ProviderServer } from '@edgechat/testing';
import { CALLS_MAX, type Answer, type ChatTurn, type LanguageModel } from '../ports/language-model.js';
import { boundedFetch } from './bounded-fetch.js';
import { createLanguageModel, type AiSettings } from './create-language-model.js';
import { FORMATS } from './test-answers.js';
import { deadlineIn } from './test-requests.js';

type Provider = 'gemini' | 'openai' | 'anthropic';

let server: ProviderServer;
beforeAll(async () => {
  server = await startProviderServer();
});
afterAll(() => server.stop());

function aModel(aiProvider: Provider, settings: Partial<AiSettings> = {}): LanguageModel {
  const { gemini, openai, anthropic } = server.baseUrls;
  const key = { geminiApiKey: 'k', openaiApiKey: 'k', anthropicApiKey: 'k' };
  const model = { geminiModel: 'm-1', openaiModel: 'm-1', anthropicModel: 'm-1' };
  const url = { geminiBaseUrl: gemini, openaiBaseUrl: openai, anthropicBaseUrl: anthropic };
  return createLanguageModel({ aiProvider, ...key, ...model, ...url, ...settings });
}

const textIn = ({ turns }: ProviderRequest): string => turns.flatMap(({ texts }) => texts).join(' ');
const says = (content: string): ChatTurn => ({ role: 'user', content });
const answers = (content: string): ChatTurn => ({ role: 'model', content });
const raw = (status: number, body: unknown = ''): Behaviour => ({ kind: 'raw', status, body });

/** Answers without a text that ended neither by themselves nor by a limit. */
const ODD_ENDS: readonly [Provider, unknown][] = [
  ['gemini', { candidates: [{ finishReason: 'OTHER', index: 0 }], usageMetadata: { promptTokenCount: 9 } }],
  ['gemini', { candidates: [{ finishReason: 'SOMETHING_NEW', content: { role: 'model', parts: [] } }] }],
  ['gemini', { candidates: [{ content: { parts: [{ text: '' }] } }] }],
  ['gemini', { candidates: [], usageMetadata: { promptTokenCount: 9 } }],
  ['gemini', { usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 }, modelVersion: 'm' }],
  ['openai', { choices: [{ message: { content: null }, finish_reason: 'something_new' }] }],
  ['openai', { choices: [] }],
  ['anthropic', { type: 'message', content: [], stop_reason: 'something_new' }],
];
const PLAIN_ENDS: readonly [Provider, unknown][] = [
  ['gemini', { candidates: [{ finishReason: 'STOP', content: { parts: [{ text: '' }] } }] }],
  ['gemini', { candidates: [{ finishReason: 'MAX_TOKENS' }] }],
  ['openai', { choices: [{ message: { content: '' }, finish_reason: 'stop' }] }],
  ['anthropic', { type: 'message', content: [], stop_reason: 'end_turn' }],
];

describe.each<Provider>(['gemini', 'openai', 'anthropic'])('%s', (provider) => {
  let words = '';
  beforeEach(() => {
    words = `${provider} ${expect.getState().currentTestName ?? ''}`;
  });
  const complete = (messages: readonly ChatTurn[], { model = aModel(provider), within = 10_000, callsMax = 4 } = {}) =>
    model.complete({ messages, ...deadlineIn(within), callsMax });
  const failureOf = (answer: Promise<Answer>): Promise<unknown> =>
    answer.then(
      () => 'no failure',
      (error: unknown) => error,
    );
  /** What the server does to requests of this test. */
  const judges: { forget: () => void }[] = [];
  const forgetAll = (): void => judges.splice(0).forEach(({ forget }) => forget());
  afterEach(forgetAll);
  const judge = (decide: (request: ProviderRequest) => Behaviour | null): void => {
    judges.push(server.judge((request) => (textIn(request).includes(words) ? decide(request) : null)));
  };
  const isPoisoned = (behaviour: Behaviour) =>
    judge((request) => (textIn(request).includes('poison') ? behaviour : null));
  const afterPoison = (): ChatTurn[] => [says('poison'), answers('hm'), says(words)];

  describe('a text in the history that breaks the provider', () => {
    it('with a 500 costs four calls, and is not taken for refused; a bystander feels nothing', async () => {
      isPoisoned(raw(500));
      const bystander = complete([says('bread'), answers('butter'), says(`${words} bystander`)]);
      expect(await complete(afterPoison())).toMatchObject({
        ...{ text: `echo: ${words}`, calls: 4, isHistoryRefused: false },
      });
      expect(await bystander).toMatchObject({ calls: 1, isHistoryRefused: false });
    });

    it.each([403, 406, 451, 418])('with a %d costs two calls, and is told', async (status) => {
      isPoisoned(raw(status, '<html><h1>Request blocked</h1></html>'));
      expect(await complete(afterPoison())).toMatchObject({ calls: 2, isHistoryRefused: true });
    });

    it('with a 403 that stays has the code that it had', async () => {
      judge(() => raw(403, '<html>Forbidden</html>'));
      expect(await failureOf(complete(afterPoison()))).toMatchObject({ code: 'ai_misconfigured', calls: 2 });
      expect(await failureOf(complete([says(words)]))).toMatchObject({ code: 'ai_misconfigured', calls: 1 });
    });

    it('with an answer that ends oddly costs two calls, and is told', async () => {
      for (const [, body] of ODD_ENDS.filter(([of]) => of === provider)) {
        isPoisoned(raw(200, body));
        expect(await complete(afterPoison())).toMatchObject({ calls: 2, isHistoryRefused: true });
        forgetAll();
        judge(() => raw(200, body));
        const code = provider === 'gemini' ? 'ai_refused' : 'ai_failed';
        expect(await failureOf(complete([says(words)]))).toMatchObject({ code, calls: 1, isPassing: false });
        forgetAll();
      }
    });

    it('with an answer that is empty and ended well is not asked about again', async () => {
      for (const [, body] of PLAIN_ENDS.filter(([of]) => of === provider)) {
        isPoisoned(raw(200, body));
        expect(await failureOf(complete(afterPoison()))).toMatchObject({ code: 'ai_failed', calls: 1 });
        forgetAll();
      }
    });
  });

  it.each(['content', 'too_long'] as const)(
    'a refusal (%s) of a history is none of the question, where no call is left to ask it alone',
    async (refusal) => {
      judge(() => ({ kind: 'refuse', refusal }));
      const told = { code: 'ai_failed', retryAfterS: null, isPassing: false, calls: 1 };
      expect(await failureOf(complete(afterPoison(), { callsMax: 1 }))).toMatchObject(told);
      expect(await failureOf(complete([says(words)], { callsMax: 1 }))).toMatchObject({
        code: refusal === 'content' ? 'ai_refused' : 'ai_input_too_long',
      });
    },
  );

  it('any 400 to an instruction is asked once with it in the first turn, also one with words like those of a key', async () => {
    const body = { error: { message: 'role: "my API key is invalid", the model does not exist', type: 'bad' } };
    const hasInstruction = ({ body: sent }: ProviderRequest): boolean => /"system/.test(JSON.stringify(sent));
    judge((request) => (hasInstruction(request) ? raw(400, body) : null));
    const model = aModel(provider);
    const group: ChatTurn[] = [{ role: 'system', content: 'Be kind.' }, ...afterPoison()];
    expect(await complete(group, { model })).toMatchObject({ calls: 2, isHistoryRefused: false });
    expect(await complete(group, { model })).toMatchObject({ calls: 1 });
  });

  it('a call that the deadline cuts is billed, and one that reached nobody is not', async () => {
    judge(() => ({ kind: 'hang' }));
    expect(await failureOf(complete([says(words)], { within: 400 }))).toMatchObject({
      ...{ code: 'ai_timed_out', calls: 1 },
      failedCalls: [{ call: 1, tokensIn: expect.any(Number), tokensOut: 0 }],
    });
    const stopped = await startProviderServer();
    await stopped.stop();
    const nobody = `${stopped.url}/v1`;
    const model = aModel(provider, { geminiBaseUrl: nobody, openaiBaseUrl: nobody, anthropicBaseUrl: nobody });
    expect(await failureOf(complete([says(words)], { within: 400, model }))).toMatchObject({ failedCalls: [] });
  });
});

describe('a body that never ends', () => {
  async function stalling<T>(status: number, run: (url: string) => Promise<T>): Promise<T> {
    const stalled = createServer((_request, response) => {
      response.writeHead(status, { 'retry-after': '3' });
      response.write('{"error": {"message": "');
    });
    await new Promise<void>((resolve) => stalled.listen(0, '127.0.0.1', resolve));
    try {
      return await run(`http://127.0.0.1:${(stalled.address() as AddressInfo).port}/v1`);
    } finally {
      stalled.closeAllConnections();
      await new Promise((resolve) => stalled.close(resolve));
    }
  }

  it('of a refusal is read no longer than some seconds, and the status counts', async () => {
    const fault = await stalling(429, (url) =>
      boundedFetch(FORMATS.openai, 50)(url, { method: 'POST', body: '{}', signal: AbortSignal.timeout(20_000) }).then(
        () => null,
        (error: unknown) => error,
      ),
    );
    expect(fault).toMatchObject({ code: 'ai_quota_exceeded', status: 429, retryAfterMs: 3_000 });
  });

  it('of an answer is billed with what came of it', async () => {
    const error = await stalling(200, (url) =>
      aModel('openai', { openaiBaseUrl: url })
        .complete({ messages: [says('hello')], ...deadlineIn(500), callsMax: CALLS_MAX })
        .then(
          () => null,
          (failed: unknown) => failed,
        ),
    );
    expect(error).toMatchObject({ code: 'ai_timed_out', failedCalls: [{ call: 1, tokensOut: expect.any(Number) }] });
    expect((error as { failedCalls: { tokensOut: number }[] }).failedCalls[0]?.tokensOut).toBeGreaterThan(0);
  });
});
