import { isWorthRepeating, nextCall, type Attempt, type FailedAttempt } from './next-call.js';
import { ProviderFault, type FaultKind } from './provider-fault.js';

const FIRST: Attempt = { extent: 'whole', placement: 'apart', repeats: 1, isHistoryRefused: false };
const fault = (details: ConstructorParameters<typeof ProviderFault>[1], kind: FaultKind = 'refused'): ProviderFault =>
  new ProviderFault(kind, details);

/** A first call that failed with a history of several turns, all the time there is, and an instruction. */
const after = (
  failure: ProviderFault,
  { attempt = {}, ...rest }: Partial<Omit<FailedAttempt, 'attempt' | 'fault'>> & { attempt?: Partial<Attempt> } = {},
) =>
  nextCall({
    fault: failure,
    calls: 1,
    callsMax: 4,
    endsAt: 60_000,
    nowMs: 0,
    random: 0,
    hasInstruction: true,
    hasOlder: (extent) => extent !== 'question',
    ...rest,
    attempt: { ...FIRST, ...attempt },
  });
const noOlder = { hasOlder: () => false };

const overloaded = fault({ status: 503, code: 'ai_overloaded' });
const tooLong = fault({ status: 400, code: 'ai_input_too_long' });
const refused = fault({ status: 400, code: 'ai_refused' });
const unexplained = fault({ status: 400, isUnexplained: true });
const quota = (retryAfterMs: number | null) => fault({ status: 429, code: 'ai_quota_exceeded', retryAfterMs });
const END = { attempt: null, isPassing: false };

describe('where provider or connection broke', () => {
  it('the same is sent up to three times, after 250 and 500 ms', () => {
    expect(after(overloaded)).toEqual({ attempt: { ...FIRST, repeats: 2 }, pauseMs: 250 });
    expect(after(overloaded, { calls: 2, attempt: { repeats: 2 } })).toEqual({
      attempt: { ...FIRST, repeats: 3 },
      pauseMs: 500,
    });
    expect(after(overloaded, { calls: 3, attempt: { repeats: 3 } })).toEqual({ attempt: null, isPassing: true });
    expect(after(overloaded, { calls: 4, attempt: { repeats: 3 } })).toEqual(END);
  });

  it.each([500, 501, 502, 503, 504, 529, 408, 409, 425])('that is so after %d', (status) => {
    expect(isWorthRepeating(fault({ status }))).toBe(true);
  });

  it.each([301, 307, 400, 401, 402, 403, 404, 405, 413, 422])('and not after %d', (status) => {
    expect(isWorthRepeating(fault({ status }))).toBe(false);
  });

  it.each<[FaultKind, boolean]>([
    ['unreachable', true],
    ['cut', true],
    ['malformed', true],
    ['empty', false],
    ['too_large', false],
    ['unexpected', false],
  ])('a call that was %s: %p', (kind, expected) => {
    expect(isWorthRepeating(fault({}, kind))).toBe(expected);
  });

  it('the provider’s own word counts before its status, but not before what lasts', () => {
    expect(after(fault({ status: 503, mayRetry: false }))).toEqual(END);
    expect(after(fault({ status: 500, mayRetry: false }), { attempt: { repeats: 3 }, calls: 3 })).toEqual(END);
    expect(after(fault({ status: 400, mayRetry: true }))).toMatchObject({ pauseMs: 250 });
    expect(after(fault({ status: 401, code: 'ai_misconfigured', mayRetry: true }))).toEqual(END);
    expect(after(fault({ status: 503, code: 'ai_misconfigured' }))).toEqual(END);
    expect(after(quota(2_000)).attempt).toBeNull();
    expect(after(fault({ status: 429, code: 'ai_quota_exceeded', retryAfterMs: 2_000, mayRetry: false }))).toEqual(END);
  });
});

describe('a wait that the provider names', () => {
  it.each([300, 999, 1_000])('of %d ms is waited for here', (retryAfterMs) => {
    expect(after(quota(retryAfterMs))).toEqual({ attempt: { ...FIRST, repeats: 2 }, pauseMs: retryAfterMs });
    expect(after(fault({ status: 503, code: 'ai_overloaded', retryAfterMs }))).toMatchObject({ pauseMs: retryAfterMs });
  });

  it('of less than the usual pause is no hurry', () => {
    expect(after(quota(0))).toMatchObject({ pauseMs: 250 });
    expect(after(quota(10), { attempt: { repeats: 2 } })).toMatchObject({ pauseMs: 500 });
  });

  it.each([1_001, 2_000, 58_900])('of %d ms ends it here, and whoever can wait may ask again', (retryAfterMs) => {
    expect(after(quota(retryAfterMs))).toEqual({ attempt: null, isPassing: true });
    expect(after(fault({ status: 529, code: 'ai_overloaded', retryAfterMs }))).toMatchObject({ isPassing: true });
  });

  it('beyond the deadline, or without a call left, ends it for good', () => {
    expect(after(quota(59_001))).toEqual(END);
    expect(after(quota(2_000), { calls: 4 })).toEqual(END);
    expect(after(quota(2_000), { callsMax: 1 })).toEqual(END);
  });

  it('that is not named is a minute for a quota, and none for anything else', () => {
    expect(after(quota(null))).toEqual(END);
    expect(after(quota(null), { endsAt: 61_000 })).toEqual({ attempt: null, isPassing: true });
    expect(after(fault({ status: 408 }))).toMatchObject({ pauseMs: 250 });
  });

  it('is left to who can wait once the same was sent three times', () => {
    expect(after(quota(900), { calls: 3, attempt: { repeats: 3 } })).toEqual({ attempt: null, isPassing: true });
  });

  it.each([0, 700, 5_000, 3_600_000])(
    'of %d ms is of no matter where size or content is the reason',
    (retryAfterMs) => {
      const size = fault({ status: 413, code: 'ai_input_too_long', retryAfterMs });
      const content = fault({ status: 400, code: 'ai_refused', retryAfterMs });
      expect(after(size)).toMatchObject({ attempt: { extent: 'half' }, pauseMs: 0 });
      expect(after(content)).toMatchObject({ attempt: { extent: 'question' }, pauseMs: 0 });
    },
  );

  it('is heeded up to a second where something else is sent for another reason', () => {
    const form = (retryAfterMs: number) => after(fault({ status: 400, isUnexplained: true, retryAfterMs }));
    expect(form(700)).toMatchObject({ attempt: { placement: 'inlined' }, pauseMs: 700 });
    expect(form(1_001)).toMatchObject({ attempt: { placement: 'inlined' }, pauseMs: 0 });
    const history = fault({ status: 403, code: 'ai_misconfigured', mayBeHistory: true, retryAfterMs: 60_000 });
    expect(after(history)).toMatchObject({ attempt: { extent: 'question' }, pauseMs: 0 });
  });

  it('that is not named leaves it to who can wait, while calls and time are left', () => {
    const broken = { attempt: { repeats: 3 }, calls: 3, hasInstruction: false, ...noOlder };
    expect(after(fault({ status: 500 }), broken)).toEqual({ attempt: null, isPassing: true });
    expect(after(fault({}, 'cut'), broken)).toEqual({ attempt: null, isPassing: true });
    expect(after(fault({}, 'cut'), { ...broken, callsMax: 3 })).toEqual(END);
    expect(after(fault({}, 'cut'), { ...broken, nowMs: 59_001 })).toEqual(END);
    expect(after(fault({ status: 401, code: 'ai_misconfigured' }), noOlder)).toEqual(END);
  });
});

describe('where the text is too long', () => {
  it('half of the history is sent, then the question alone, then nothing', () => {
    expect(after(tooLong)).toEqual({ attempt: { ...FIRST, extent: 'half' }, pauseMs: 0 });
    expect(after(tooLong, { calls: 2, attempt: { extent: 'half' } })).toEqual({
      attempt: { ...FIRST, extent: 'question' },
      pauseMs: 0,
    });
    expect(after(tooLong, { calls: 3, attempt: { extent: 'question' } })).toEqual(END);
  });

  it('the question alone is sent where a half has no turn, or one call is left', () => {
    const isOneTurn = { hasOlder: (extent: string) => extent === 'whole' };
    expect(after(tooLong, isOneTurn)).toMatchObject({ attempt: { extent: 'question' } });
    expect(after(tooLong, { calls: 3 })).toMatchObject({ attempt: { extent: 'question' } });
  });

  it('nothing is sent again without a history', () => {
    expect(after(tooLong, noOlder)).toEqual(END);
  });
});

describe('where the provider refuses the content', () => {
  it.each(['whole', 'half'] as const)('the question alone is sent after the %s history, and then nothing', (extent) => {
    const next = after(refused, { attempt: { extent } });
    expect(next).toEqual({ attempt: { ...FIRST, extent: 'question', isHistoryRefused: true }, pauseMs: 0 });
    expect(after(refused, { calls: 2, attempt: next.attempt ?? {} })).toEqual(END);
  });

  it('nothing is sent again without a history', () => {
    expect(after(refused, noOlder)).toEqual(END);
  });
});

describe('where a 400 does not say why', () => {
  it('the instruction is sent in the first turn, then the question alone, then nothing', () => {
    const second = after(unexplained);
    expect(second).toEqual({ attempt: { ...FIRST, placement: 'inlined' }, pauseMs: 0 });
    const third = after(unexplained, { calls: 2, attempt: second.attempt ?? {} });
    expect(third).toEqual({
      attempt: { ...FIRST, placement: 'inlined', extent: 'question', isHistoryRefused: true },
      pauseMs: 0,
    });
    expect(after(unexplained, { calls: 3, attempt: third.attempt ?? {} })).toEqual(END);
  });

  it('nothing is sent again without instruction and history', () => {
    expect(after(unexplained, { ...noOlder, hasInstruction: false })).toEqual(END);
  });

  it('a 400 that says why is not asked again', () => {
    expect(after(fault({ status: 400 }))).toEqual(END);
  });

  it('a 500 that stays is taken for a template that knows no instruction, or a text that breaks it: both at once', () => {
    const broken = fault({ status: 500 });
    const third = { calls: 3, attempt: { repeats: 3 } };
    const alone = { ...FIRST, extent: 'question' as const };
    expect(after(broken, third)).toEqual({ attempt: { ...alone, placement: 'inlined' }, pauseMs: 1_000 });
    expect(after(broken, { ...third, hasInstruction: false })).toEqual({ attempt: alone, pauseMs: 1_000 });
    expect(after(broken, { ...third, ...noOlder })).toMatchObject({
      attempt: { ...FIRST, extent: 'whole', placement: 'inlined' },
    });
    expect(after(broken, { ...third, ...noOlder, hasInstruction: false })).toEqual({ attempt: null, isPassing: true });
    expect(after(broken, { calls: 4, attempt: { ...alone, placement: 'inlined' } })).toEqual(END);
  });

  it.each([502, 503, 504, 529])('a %d that stays is none', (status) => {
    expect(after(fault({ status }), { calls: 3, attempt: { repeats: 3 } })).toEqual({ attempt: null, isPassing: true });
  });
});

describe('where only a sentence or the status says why', () => {
  const sentence = fault({ status: 400, code: 'ai_misconfigured', mayBeForm: true, mayBeHistory: true });

  it('a 400 is asked with the instruction in the first turn, then the question alone, and then its code is told', () => {
    expect(after(sentence)).toMatchObject({ attempt: { placement: 'inlined', extent: 'whole' } });
    const inlined = { placement: 'inlined' as const };
    expect(after(sentence, { calls: 2, attempt: inlined })).toMatchObject({
      attempt: { placement: 'inlined', extent: 'question', isHistoryRefused: true },
    });
    expect(after(sentence, { calls: 3, attempt: { ...inlined, extent: 'question' } })).toEqual(END);
    expect(after(sentence, { hasInstruction: false, ...noOlder })).toEqual(END);
  });

  it('a 403 is asked with the question alone', () => {
    const firewall = fault({ status: 403, code: 'ai_misconfigured', mayBeHistory: true });
    const next = after(firewall);
    expect(next).toEqual({ attempt: { ...FIRST, extent: 'question', isHistoryRefused: true }, pauseMs: 0 });
    expect(after(firewall, { calls: 2, attempt: next.attempt ?? {} })).toEqual(END);
    expect(after(firewall, noOlder)).toEqual(END);
  });
});

describe('the deadline', () => {
  it.each([20, 99])('begins no call %d ms before it', (ms) => {
    expect(after(tooLong, { nowMs: 60_000 - ms })).toEqual(END);
    expect(after(refused, { nowMs: 60_000 - ms })).toEqual(END);
    expect(after(unexplained, { nowMs: 60_000 - ms })).toEqual(END);
    expect(after(overloaded, { nowMs: 60_000 - 250 - ms })).toEqual(END);
    expect(after(quota(700), { nowMs: 60_000 - 700 - ms })).toEqual(END);
  });

  it('lets a call begin that has time left after its pause', () => {
    expect(after(overloaded, { nowMs: 60_000 - 350 })).toMatchObject({ pauseMs: 250 });
    expect(after(tooLong, { nowMs: 60_000 - 100 })).toMatchObject({ pauseMs: 0 });
  });
});
