import { ProviderFault } from './provider-fault.js';
import { pauseMs, waitMs, waitSeconds } from './pauses.js';

describe('the pause before the same call', () => {
  it('grows from 250 ms, and is spread by half', () => {
    expect([1, 2].map((failedCalls) => pauseMs(failedCalls, 0))).toEqual([250, 500]);
    expect([1, 2].map((failedCalls) => pauseMs(failedCalls, 0.999))).toEqual([
      expect.closeTo(375, 0),
      expect.closeTo(750, 0),
    ]);
  });
});

describe('how long a provider is not to be asked', () => {
  it.each([
    ['ai_quota_exceeded', 7_000, 7_000, 7],
    ['ai_quota_exceeded', 300, 300, 1],
    ['ai_quota_exceeded', 0, 0, 1],
    ['ai_quota_exceeded', 7_001, 7_001, 8],
    ['ai_quota_exceeded', 86_400_000, 86_400_000, 3_600],
    ['ai_quota_exceeded', null, 60_000, 60],
    ['ai_overloaded', 20_000, 20_000, 20],
    ['ai_overloaded', null, null, null],
    ['ai_failed', 2_000, 2_000, 2],
    ['ai_failed', null, null, null],
    ['ai_refused', 2_000, 2_000, null],
    ['ai_input_too_long', 2_000, 2_000, null],
    ['ai_misconfigured', 2_000, 2_000, null],
  ] as const)('with %s, and %p ms by its own word, is %p ms, told as %p s', (code, retryAfterMs, ms, seconds) => {
    const fault = new ProviderFault('refused', { code, retryAfterMs });
    expect([waitMs(fault), waitSeconds(fault)]).toEqual([ms, seconds]);
  });
});
