import fc from 'fast-check';
import { AnswerFailed, type Answer, type ChatTurn } from '../ports/language-model.js';
import { anyFault } from './test-faults.js';
import { UNUSED_SDK_MODEL } from './test-requests.js';
import type { GoodAnswer } from './ask-once.js';
import type { Prompt } from './prompt.js';
import { ProviderFault } from './provider-fault.js';
import { SdkLanguageModel, type ModelNote } from './sdk-language-model.js';

const GOOD: GoodAnswer = { text: 'answer', tokensIn: 1, tokensOut: 2, finishReason: 'stop' };
const TURNS: readonly ChatTurn[] = [
  { role: 'system', content: 'Be kind.' },
  { role: 'user', content: 'aaa' },
  { role: 'model', content: 'bbb' },
  { role: 'user', content: 'ccc' },
  { role: 'model', content: 'ddd' },
  { role: 'user', content: 'the question' },
];
const overloaded = new ProviderFault('refused', { status: 503, code: 'ai_overloaded' });
const unexplained = new ProviderFault('refused', { status: 400, isUnexplained: true });
const tooLong = new ProviderFault('refused', { status: 400, code: 'ai_input_too_long' });
const refused = new ProviderFault('refused', { code: 'ai_refused', use: { tokensIn: 7, tokensOut: 1 } });

interface Situation {
  readonly callsMax?: number;
  readonly withinMs?: number;
  readonly callMs?: number;
  readonly messages?: readonly ChatTurn[];
}

/** A model whose calls end as they are listed, and at the end well, on a clock that nobody waits for. */
function aModel(...outcomes: (ProviderFault | GoodAnswer)[]) {
  const left = [...outcomes];
  const calls: { readonly prompt: Prompt; readonly at: number; readonly fault: ProviderFault | null }[] = [];
  const notes: ModelNote[] = [];
  const clock = { nowMs: 0, callMs: 0, lateMs: 0, controller: new AbortController(), endsAt: Infinity };
  const pass = (ms: number): void => {
    clock.nowMs += ms;
    if (clock.nowMs >= clock.endsAt) clock.controller.abort(new Error('deadline'));
  };
  const model = new SdkLanguageModel(
    { provider: 'openai', model: 'm-1', sdkModel: UNUSED_SDK_MODEL, onNote: (note) => notes.push(note) },
    {
      ask: (_model, prompt) => {
        const outcome = left.shift() ?? GOOD;
        calls.push({ prompt, at: clock.nowMs, fault: outcome instanceof ProviderFault ? outcome : null });
        pass(clock.callMs);
        return Promise.resolve(clock.controller.signal.aborted ? new ProviderFault('unexpected') : outcome);
      },
      now: () => clock.nowMs,
      random: () => 0.5,
      pause: (ms) => Promise.resolve(pass(ms + clock.lateMs)),
    },
  );
  const complete = ({
    callsMax = 4,
    withinMs = 60_000,
    callMs = 0,
    messages = TURNS,
  }: Situation = {}): Promise<Answer> => {
    Object.assign(clock, { callMs, controller: new AbortController(), endsAt: clock.nowMs + withinMs });
    return model.complete({ messages, signal: clock.controller.signal, endsAt: clock.endsAt, callsMax });
  };
  const failure = (situation?: Situation): Promise<AnswerFailed> =>
    complete(situation).then(
      () => Promise.reject(new Error('it did not fail')),
      (error: unknown) => (error instanceof AnswerFailed ? error : Promise.reject(new Error('another error'))),
    );
  return { complete, failure, calls, notes, clock };
}
const sentIn = ({ prompt }: { readonly prompt: Prompt }): string[] => [
  ...(prompt.system === undefined ? [] : [`system: ${prompt.system}`]),
  ...prompt.messages.map(({ role, content }) => `${role}: ${String(content)}`),
];

const isFinal = (fault: ProviderFault | null | undefined): boolean =>
  fault?.code === 'ai_refused' || fault?.code === 'ai_input_too_long';

const situation = fc.record({
  callsMax: fc.integer({ min: 1, max: 4 }),
  withinMs: fc.integer({ min: 100, max: 5_000 }),
  callMs: fc.integer({ min: 0, max: 600 }),
  messages: fc.constantFrom(
    TURNS,
    TURNS.slice(1),
    TURNS.slice(-1),
    [TURNS[0], TURNS[5]].flatMap((turn) => turn ?? []),
  ),
});

describe('whatever a provider does', () => {
  it('it is asked as often as it may be and no more, only with time left, and the same only after the waits that it names; of the last failure the code is told, and of each the use', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyFault, { minLength: 4, maxLength: 8 }), situation, async (faults, given) => {
        const { failure, calls } = aModel(...faults);
        const error = await failure(given);

        expect(calls.length).toBeLessThanOrEqual(given.callsMax);
        expect(error.calls).toBe(calls.length);
        for (const [i, { at, fault, prompt }] of calls.entries()) {
          expect(at + 100).toBeLessThanOrEqual(given.withinMs);
          const endedAt = at + given.callMs;
          const next = calls[i + 1];
          const isSame = next !== undefined && String(sentIn(next)) === String(sentIn({ prompt }));
          if (isSame) expect(next.at).toBeGreaterThanOrEqual(endedAt + (fault?.retryAfterMs ?? 0));
        }
        const last = calls.at(-1);
        const isCutShort = (last?.at ?? 0) + given.callMs >= given.withinMs;
        const isOfHistory = isFinal(last?.fault) && (last?.prompt.messages.length ?? 0) > 1;
        expect(error.code).toBe(isCutShort ? 'ai_timed_out' : isOfHistory ? 'ai_failed' : last?.fault?.code);
        const cut = { tokensIn: expect.any(Number) as number, tokensOut: 0 };
        const billed = calls.map(({ fault }, i) => ({
          call: i + 1,
          ...(isCutShort && i === calls.length - 1 ? cut : fault?.use),
        }));
        expect(error.failedCalls).toEqual(billed.filter((call) => 'tokensIn' in call));
        expect(error.isPassing && calls.length >= given.callsMax).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('no two calls after one another are the same but where that may help', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyFault, { minLength: 4, maxLength: 8 }), situation, async (faults, given) => {
        const { failure, calls } = aModel(...faults);
        await failure(given);
        const lasting = ['ai_refused', 'ai_input_too_long', 'ai_misconfigured'];
        for (const [i, call] of calls.slice(1).entries())
          if (lasting.includes(calls[i]?.fault?.code ?? '')) expect(sentIn(call)).not.toEqual(sentIn(calls[i] ?? call));
      }),
    );
  });
});

describe('a request', () => {
  it('is answered with what its failed calls cost', async () => {
    const cut = new ProviderFault('cut', { use: { tokensIn: 3, tokensOut: 0 } });
    expect(await aModel(cut, overloaded, refused).complete()).toEqual({
      ...GOOD,
      calls: 4,
      failedCalls: [
        { call: 1, tokensIn: 3, tokensOut: 0 },
        { call: 3, tokensIn: 7, tokensOut: 1 },
      ],
      isHistoryRefused: true,
    });
  });

  it('that is too long is sent with half of its history, then alone, always with its instruction', async () => {
    const { complete, calls } = aModel(tooLong, tooLong);
    expect(await complete()).toMatchObject({ text: 'answer', isHistoryRefused: false });
    expect(calls.map(sentIn)).toEqual([
      ['system: Be kind.', 'user: aaa', 'assistant: bbb', 'user: ccc', 'assistant: ddd', 'user: the question'],
      ['system: Be kind.', 'user: ccc', 'assistant: ddd', 'user: the question'],
      ['system: Be kind.', 'user: the question'],
    ]);
  });

  it('that is too long is told to the operator once in the life of the process', async () => {
    const { complete, notes } = aModel(tooLong, tooLong, GOOD, tooLong);
    await complete();
    await complete();
    expect(notes).toEqual([
      { note: 'input_too_long', provider: 'openai', model: 'm-1', sentTokens: expect.any(Number) },
    ]);
    expect(notes[0]?.sentTokens).toBeGreaterThan(10);
  });

  it('that is refused for its history is answered alone, and says so', async () => {
    const { complete, calls } = aModel(refused);
    expect(await complete()).toMatchObject({
      isHistoryRefused: true,
      failedCalls: [{ call: 1, tokensIn: 7, tokensOut: 1 }],
    });
    expect(calls.map(sentIn)[1]).toEqual(['system: Be kind.', 'user: the question']);
  });

  it('that is refused alone as well is refused', async () => {
    const { failure, calls } = aModel(refused, refused);
    expect(await failure()).toMatchObject({ code: 'ai_refused', retryAfterS: null, isPassing: false, calls: 2 });
    expect(calls).toHaveLength(2);
  });

  it('that fails for several reasons costs four calls, and tells the last', async () => {
    const { failure, calls } = aModel(overloaded, tooLong, unexplained, refused, overloaded);
    // The history was sent with it: nobody knows whether the question is refused.
    expect(await failure()).toMatchObject({ code: 'ai_failed', calls: 4, isPassing: false, retryAfterS: null });
    expect(calls.map(({ prompt }) => [prompt.system === undefined, prompt.messages.length])).toEqual([
      [false, 5],
      [false, 5],
      [false, 3],
      [true, 3],
    ]);
  });
});

describe('a model that takes no instruction', () => {
  it('gets it in the first turn, which is remembered', async () => {
    const { complete, calls } = aModel(unexplained, GOOD, overloaded, GOOD, GOOD);
    await complete();
    await complete();
    await complete();
    expect(calls.map(({ prompt }) => prompt.system === undefined)).toEqual([false, true, true, true, true]);
  });

  it('is not remembered by a call that failed, whatever that failed for', async () => {
    const { complete, failure, calls } = aModel(
      unexplained,
      new ProviderFault('refused', { status: 401, code: 'ai_misconfigured' }),
    );
    expect(await failure()).toMatchObject({ code: 'ai_misconfigured', calls: 2 });
    await complete();
    expect(calls.map(({ prompt }) => prompt.system === undefined)).toEqual([false, true, false]);
  });

  it('is not remembered where the history was left out as well, which may have been the reason', async () => {
    const { complete, calls } = aModel(unexplained, unexplained);
    expect(await complete()).toMatchObject({ isHistoryRefused: true });
    await complete();
    expect(calls.map(({ prompt }) => prompt.system === undefined)).toEqual([false, true, true, false]);
  });

  it('is not remembered where a 500 passed with the question alone', async () => {
    const broken = new ProviderFault('refused', { status: 500 });
    const { complete, calls } = aModel(broken, broken, broken);
    expect(await complete()).toMatchObject({ calls: 4, isHistoryRefused: false });
    await complete();
    expect(calls.map(({ prompt }) => [prompt.system === undefined, prompt.messages.length])).toEqual([
      ...[1, 2, 3].map(() => [false, 5]),
      [true, 1],
      [false, 5],
    ]);
  });

  it('is not forgotten by a failure', async () => {
    const { complete, failure, calls } = aModel(unexplained, GOOD, unexplained, unexplained, GOOD);
    await complete();
    await failure();
    await complete();
    expect(calls.map(({ prompt }) => prompt.system === undefined)).toEqual([false, true, true, true, true]);
  });
});

describe('the deadline', () => {
  it('20 ms away begins no call, and tells what failed before', async () => {
    const { failure, calls } = aModel(overloaded, overloaded, overloaded);
    // The second pause ends after 937 ms.
    expect(await failure({ withinMs: 957 })).toMatchObject({ code: 'ai_overloaded', calls: 2 });
    expect(calls).toHaveLength(2);
  });

  it('20 ms away begins no first call, and is a time-out', async () => {
    const { failure, calls } = aModel();
    expect(await failure({ withinMs: 20 })).toMatchObject({ code: 'ai_timed_out', calls: 0, isPassing: false });
    expect(calls).toHaveLength(0);
  });

  it('that cuts a call short is a time-out, with what was billed before', async () => {
    const { failure } = aModel(refused);
    expect(await failure({ withinMs: 900, callMs: 600 })).toMatchObject({
      code: 'ai_timed_out',
      calls: 2,
      failedCalls: [
        { call: 1, tokensIn: 7, tokensOut: 1 },
        { call: 2, tokensIn: expect.any(Number), tokensOut: 0 },
      ],
      cause: { message: 'deadline' },
    });
  });
});

describe('a pause', () => {
  it('that took longer than it should begins no call beyond the deadline', async () => {
    const { failure, calls, clock } = aModel(overloaded, overloaded);
    clock.lateMs = 700;
    expect(await failure({ withinMs: 1_100 })).toMatchObject({ code: 'ai_overloaded', calls: 1, isPassing: false });
    expect(calls).toHaveLength(1);
  });
});

describe('a signal', () => {
  it('that aborts in a pause ends the request at once, with what failed before', async () => {
    const { failure, calls, clock } = aModel(overloaded, overloaded);
    const failed = failure();
    clock.endsAt = 100;
    expect(await failed).toMatchObject({ code: 'ai_overloaded', calls: 1, isPassing: false });
    expect(calls).toHaveLength(1);
  });
});
