import { startProviderServer } from '@edgechat/testing';
import type { Behaviour, ProviderRequest, ProviderServer } from '@edgechat/testing';
import { AnswerFailed, type Answer, type ChatTurn, type LanguageModel } from '../ports/language-model.js';
import { createLanguageModel, type ModelListener } from './create-language-model.js';
import { deadlineIn } from './test-requests.js';

type Provider = 'gemini' | 'openai' | 'anthropic';

let server: ProviderServer;
beforeAll(async () => {
  server = await startProviderServer();
});
afterAll(() => server.stop());

function aModel(aiProvider: Provider, listener: ModelListener = {}): LanguageModel {
  const { gemini, openai, anthropic } = server.baseUrls;
  const key = { geminiApiKey: 'k', openaiApiKey: 'k', anthropicApiKey: 'k' };
  const model = { geminiModel: 'm-1', openaiModel: 'm-1', anthropicModel: 'm-1' };
  const url = { geminiBaseUrl: gemini, openaiBaseUrl: openai, anthropicBaseUrl: anthropic };
  return createLanguageModel({ aiProvider, ...key, ...model, ...url }, listener);
}

/** As the servers word it. */
const TOO_LONG: Readonly<Record<Provider, object>> = {
  gemini: {
    error: {
      code: 400,
      message: 'The input token count (5217) exceeds the maximum number of tokens allowed (4096).',
      status: 'INVALID_ARGUMENT',
    },
  },
  openai: {
    error: {
      message:
        "This model's maximum context length is 4096 tokens. However, your messages resulted in 5217 tokens. Please reduce the length of the messages.",
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    },
  },
  anthropic: {
    type: 'error',
    error: { type: 'invalid_request_error', message: 'prompt is too long: 5217 tokens > 4096 maximum' },
  },
};
const NO_INSTRUCTION: Readonly<Record<Provider, object>> = {
  gemini: {
    error: {
      code: 400,
      message: 'Developer instruction is not enabled for models/gemma-3-4b-it',
      status: 'INVALID_ARGUMENT',
    },
  },
  openai: { object: 'error', message: 'System role not supported', type: 'BadRequestError', param: null, code: 400 },
  anthropic: { type: 'error', error: { type: 'invalid_request_error', message: 'system: not supported' } },
};
const REFUSED: Readonly<Record<Provider, Behaviour>> = {
  gemini: {
    kind: 'raw',
    body: {
      candidates: [{ finishReason: 'SAFETY', index: 0 }],
      usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 },
    },
  },
  openai: {
    kind: 'raw',
    status: 400,
    body: {
      error: {
        message: 'The response was filtered due to the prompt triggering the content management policy.',
        type: null,
        param: 'prompt',
        code: 'content_filter',
      },
    },
  },
  anthropic: {
    kind: 'raw',
    body: {
      ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'm-1', content: [], stop_reason: 'refusal' },
      stop_sequence: null,
      usage: { input_tokens: 9, output_tokens: 0 },
    },
  },
};

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const hasInstruction = ({ body }: ProviderRequest): boolean =>
  member(body, 'system') !== undefined ||
  member(body, 'systemInstruction') !== undefined ||
  list(member(body, 'messages')).some((turn) => member(turn, 'role') === 'system');
const textIn = ({ turns }: ProviderRequest): string => turns.flatMap(({ texts }) => texts).join(' ');

const says = (content: string): ChatTurn => ({ role: 'user', content });
const answers = (content: string): ChatTurn => ({ role: 'model', content });

describe.each<Provider>(['gemini', 'openai', 'anthropic'])('%s', (provider) => {
  /** A question that no other test asks. */
  const question = (words: string): string => `${provider} ${expect.getState().currentTestName ?? ''} ${words}`;
  const complete = (messages: readonly ChatTurn[], { model = aModel(provider), within = 10_000, callsMax = 4 } = {}) =>
    model.complete({ messages, ...deadlineIn(within), callsMax });
  const failureOf = (answer: Promise<Answer>): Promise<unknown> =>
    answer.then(
      () => 'no failure',
      (error: unknown) => error,
    );
  const calls = (words: string): readonly ProviderRequest[] =>
    server.requests().filter((request) => textIn(request).includes(words));
  /** What the server does to requests of this test. */
  const judge = (words: string, decide: (request: ProviderRequest) => Behaviour | null) =>
    server.judge((request) => (textIn(request).includes(words) ? decide(request) : null));

  describe('from a server that demands turns of alternating roles, each of one text, and refuses instructions', () => {
    const isStrict = (request: ProviderRequest): Behaviour | null => {
      const alternates = request.turns.every(({ role }, i) => (role === 'user') === (i % 2 === 0));
      const isPlain = request.turns.every(({ texts }) => texts.length === 1);
      const isTaken = alternates && isPlain && !hasInstruction(request);
      return isTaken ? null : { kind: 'raw', status: 400, body: NO_INSTRUCTION[provider] };
    };

    it('gets an answer for each of several questions without answers before it', async () => {
      const words = question('failed before');
      judge(words, isStrict);
      const turns = [says(`${words} 1`), says(`${words} 2`), says(`${words} 3`), answers('yes'), says(`${words} 4`)];
      expect((await complete(turns.slice(0, 1))).text).toBe(`echo: ${words} 1`);
      expect((await complete(turns.slice(0, 3))).text).toBe(`echo: ${words} 3`);
      expect((await complete(turns)).text).toBe(`echo: ${words} 4`);
      expect(calls(words)).toHaveLength(3);
    });

    it('gets an answer in a group with two messages before the question, and from then on at once', async () => {
      const words = question('of a group');
      judge(words, isStrict);
      const model = aModel(provider);
      const group: ChatTurn[] = [
        { role: 'system', content: 'Be kind.' },
        { ...says('hello'), speaker: 'Ada' },
        { ...says('hi'), speaker: 'Bob' },
        { ...says(words), speaker: 'Ada' },
      ];
      expect((await complete(group, { model })).text).toBe(`echo: ⟦Ada⟧ ${words}`);
      expect((await complete(group, { model })).text).toBe(`echo: ⟦Ada⟧ ${words}`);
      expect(calls(words).map(hasInstruction)).toEqual([true, false, false]);
      const [shown = ''] = calls(words).at(-1)?.turns[0]?.texts ?? [];
      expect(shown).toMatch(/^.*\nBe kind\.\n\n.*\n\n⟦Ada⟧ hello\n\n⟦Bob⟧ hi\n\n⟦Ada⟧ /s);
      // A person has no instruction: nothing changes for them.
      await complete([says(`${words} alone`)], { model });
      expect(calls(`${words} alone`)[0]?.turns).toEqual([{ role: 'user', texts: [`${words} alone`] }]);
    });
  });

  describe('from a model with a smaller window than is set', () => {
    const smallWindow = (characters: number) => (request: ProviderRequest) =>
      textIn(request).length > characters ? ({ kind: 'raw', status: 400, body: TOO_LONG[provider] } as const) : null;
    const threeLong = (words: string): ChatTurn[] =>
      [1, 2, 3].flatMap((n) => [says(`${words} ${n} ${'x'.repeat(3_000)}`), answers(`answer ${n}`)]);

    it.each([
      ['half of the history', 7_000, 2, 3],
      ['the question alone', 1_000, 3, 1],
    ])('gets an answer to "hi" with %s, which is told once', async (_name, characters, count, turns) => {
      const words = question('long');
      judge(words, smallWindow(characters));
      const notes: unknown[] = [];
      const model = aModel(provider, { onNote: (note) => notes.push(note) });
      const hi = [...threeLong(words), says(`${words} hi`)];

      expect(await complete(hi, { model })).toMatchObject({ text: `echo: ${words} hi`, isHistoryRefused: false });
      expect(calls(words)).toHaveLength(count);
      expect(calls(words).at(-1)?.turns).toHaveLength(turns);
      await complete(hi, { model });
      expect(notes).toEqual([{ note: 'input_too_long', provider, model: 'm-1', sentTokens: expect.any(Number) }]);
    });

    it('says that the question is too long where it is, alone at once, after a history with three calls', async () => {
      const words = question('long');
      judge(words, smallWindow(1_000));
      const long = says(`${words} ${'y'.repeat(2_000)}`);
      expect(await failureOf(complete([long]))).toMatchObject({
        ...{ code: 'ai_input_too_long', retryAfterS: null, isPassing: false, calls: 1 },
      });
      expect(await failureOf(complete([...threeLong(words), long]))).toMatchObject({ calls: 3 });
      expect(calls(words)).toHaveLength(1 + 3);
    });
  });

  describe('from a provider that refuses a text for its content', () => {
    it('gets an answer to a harmless question after it, which says that the history is refused', async () => {
      const words = question('harmless');
      judge(words, (request) => (textIn(request).includes('poison') ? REFUSED[provider] : null));
      const group: ChatTurn[] = [
        { role: 'system', content: 'Be kind.' },
        { ...says('poison'), speaker: 'Bob' },
        { ...says(words), speaker: 'Ada' },
      ];
      expect(await complete(group)).toMatchObject({ text: `echo: ⟦Ada⟧ ${words}`, isHistoryRefused: true });
      expect(calls(words)).toHaveLength(2);

      const bystander = [says('bread'), answers('butter'), says(`${words} bystander`)];
      expect(await complete(bystander)).toMatchObject({ isHistoryRefused: false });
      expect(calls(`${words} bystander`)).toHaveLength(1);
    });

    it('gets a refusal of a question that is refused itself, with one call, or two with a history', async () => {
      const words = question('poison');
      judge(words, () => REFUSED[provider]);
      expect(await failureOf(complete([says(words)]))).toMatchObject({
        code: 'ai_refused',
        retryAfterS: null,
        calls: 1,
      });
      expect(await failureOf(complete([says('a'), answers('b'), says(words)]))).toMatchObject({
        ...{ code: 'ai_refused', isPassing: false, calls: 2 },
      });
    });
  });

  describe('from a provider that wants to be left alone for a while', () => {
    const waiting = (status: number, headers: Record<string, string>): Behaviour => ({
      kind: 'raw',
      status,
      headers,
      body: {},
    });
    const once = (words: string, behaviour: Behaviour) => {
      judge(words, () => (calls(words).length <= 1 ? behaviour : null));
    };

    it.each([429, 503, 529])('is not asked before it says so, of %d', async (status) => {
      const [short, second, long] = ['short', 'second', 'long'].map(question);
      once(short ?? '', waiting(status, { 'retry-after-ms': '700' }));
      once(second ?? '', waiting(status, { 'retry-after': '1' }));
      once(long ?? '', waiting(status, { 'retry-after': '2' }));
      const failed = failureOf(complete([says(long ?? '')]));
      const answered = await Promise.all([complete([says(short ?? '')]), complete([says(second ?? '')])]);

      expect(answered.map(({ text }) => text)).toEqual([`echo: ${short}`, `echo: ${second}`]);
      const pauses = [short ?? '', second ?? ''].map((words) => {
        const [first, next] = calls(words).map(({ receivedAt }) => receivedAt);
        return (next ?? 0) - (first ?? 0);
      });
      expect(pauses[0]).toBeGreaterThanOrEqual(695);
      expect(pauses[1]).toBeGreaterThanOrEqual(995);
      expect(await failed).toMatchObject({ retryAfterS: 2, isPassing: true, calls: 1 });
      expect(calls(long ?? '')).toHaveLength(1);
    });

    it('is not asked again where its wait ends after the deadline, or no call is left', async () => {
      const words = question('later');
      judge(words, () => waiting(429, { 'retry-after': '7' }));
      const told = { code: 'ai_quota_exceeded', retryAfterS: 7, calls: 1 };
      expect(await failureOf(complete([says(words)], { within: 7_500 }))).toMatchObject({ ...told, isPassing: false });
      expect(await failureOf(complete([says(words)], { callsMax: 1 }))).toMatchObject({ ...told, isPassing: false });
      expect(await failureOf(complete([says(words)]))).toMatchObject({ ...told, isPassing: true });
    });

    it('is not asked again if it says so', async () => {
      const words = question('never');
      judge(words, () => waiting(503, { 'x-should-retry': 'false' }));
      expect(await failureOf(complete([says(words)]))).toMatchObject({ calls: 1, isPassing: false });
      expect(calls(words)).toHaveLength(1);
    });
  });

  it('is called four times at most, whatever goes wrong, and a refusal of the history is none of the question', async () => {
    const words = question('all at once');
    const bodies = [
      { kind: 'raw', status: 503, body: {} },
      { kind: 'raw', status: 400, body: TOO_LONG[provider] },
      { kind: 'raw', status: 400, body: NO_INSTRUCTION[provider] },
      REFUSED[provider],
    ] as const;
    judge(words, () => bodies[calls(words).length - 1] ?? null);
    const older = [1, 2, 3].flatMap((n) => [says(`question ${n}`), answers(`answer ${n}`)]);
    const failure = await failureOf(complete([{ role: 'system', content: 'Be kind.' }, ...older, says(words)]));
    expect(failure).toBeInstanceOf(AnswerFailed);
    expect(failure).toMatchObject({ code: 'ai_failed', calls: 4, isPassing: false, retryAfterS: null });
    expect(calls(words)).toHaveLength(4);
  });
});
