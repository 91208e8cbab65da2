import { ProviderFault } from './provider-fault.js';
import { answerFailed, isWorthRepeating, pauseMs, retryAfterSeconds } from './retry.js';

const NOW = Date.parse('2026-11-24T08:00:00Z');

describe('a failed call', () => {
  it.each([500, 502, 503, 529])('is repeated after %d, three tries in all', (status) => {
    const fault = new ProviderFault('refused', { status });
    expect([1, 2, 3, 4].map((failedTries) => isWorthRepeating(fault, failedTries))).toEqual([true, true, false, false]);
  });

  it.each([301, 307, 400, 401, 403, 404, 408, 422, 429])('is not repeated after %d', (status) => {
    expect(isWorthRepeating(new ProviderFault('refused', { status }), 1)).toBe(false);
  });

  it.each(['unreachable', 'cut', 'malformed'] as const)('is repeated when it was %s', (kind) => {
    expect(isWorthRepeating(new ProviderFault(kind), 2)).toBe(true);
    expect(isWorthRepeating(new ProviderFault(kind), 3)).toBe(false);
  });

  it.each(['empty', 'too_large', 'unexpected'] as const)('is not repeated when it was %s', (kind) => {
    expect(isWorthRepeating(new ProviderFault(kind), 1)).toBe(false);
  });
});

describe('the pause before the next try', () => {
  it('grows from 250 ms, and is spread by half', () => {
    expect([1, 2].map((failedTries) => pauseMs(failedTries, 0))).toEqual([250, 500]);
    expect([1, 2].map((failedTries) => pauseMs(failedTries, 0.999))).toEqual([
      expect.closeTo(375, 0),
      expect.closeTo(750, 0),
    ]);
  });
});

describe('Retry-After', () => {
  it.each([
    ['7', 7],
    [' 7 ', 7],
    ['1.2', 2],
    ['0', 1],
    ['3601', 3_600],
    ['9'.repeat(400), 3_600],
    ['Tue, 24 Nov 2026 08:00:30 GMT', 30],
    ['Tue, 24 Nov 2026 07:00:00 GMT', 1],
    ['Wed, 25 Nov 2026 08:00:00 GMT', 3_600],
    ['soon', 60],
    ['', 60],
    [undefined, 60],
  ])('%s is %d seconds', (header, seconds) => {
    expect(retryAfterSeconds(header, NOW)).toBe(seconds);
  });
});

describe('what the asker is told', () => {
  it('is a used-up quota with its Retry-After after 429', () => {
    const failure = answerFailed(
      new ProviderFault('refused', { status: 429, code: 'ai_quota_exceeded', retryAfterMs: 7_000 }),
    );
    expect(failure).toMatchObject({ name: 'AnswerFailed', code: 'ai_quota_exceeded', retryAfterS: 7 });
  });

  it('is a failure after anything else, with the fault as its cause', () => {
    const fault = new ProviderFault('refused', { status: 404, reason: 'NOT_FOUND' });
    expect(answerFailed(fault)).toMatchObject({ code: 'ai_failed', retryAfterS: null, cause: fault });
    expect(fault.message).toBe('AI provider: refused 404 (NOT_FOUND)');
  });
});
