import fc from 'fast-check';
import { mayRetry, namedWaitMs } from './waits.js';

const NOW = Date.parse('2026-11-30T12:00:00Z');

const waitOf = (headers: Record<string, string>, body: unknown = null, status = 429, sentences = ''): number | null =>
  namedWaitMs({ status, headers: new Headers(headers), body, sentences }, NOW);
const retryInfo = (retryDelay: unknown): object => ({
  error: {
    details: [
      { '@type': 'type.googleapis.com/google.rpc.Help' },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
    ],
  },
});

describe('the wait that a provider names', () => {
  it.each([
    ['7', 7_000],
    ['0', 0],
    ['0.25', 250],
    [' 7 ', 7_000],
    ['7, 7', 7_000],
    ['7s', 7_000],
    ['1m30s', 90_000],
    ['7200', 3_600_000],
    ['Mon, 30 Nov 2026 12:01:30 GMT', 90_000],
    ['Monday, 30-Nov-26 12:01:30 GMT', 90_000],
    ['2026-11-30T12:01:30Z', 90_000],
    ['Mon, 30 Nov 2026 11:00:00 GMT', 0],
    [String(NOW / 1_000 + 30), 30_000],
    [String(NOW + 30_000), 30_000],
    ['-1', null],
    ['NaN', null],
    ['1e308', null],
    ['9'.repeat(400), null],
    ['soon 7', null],
    ['Infinity', null],
    ['0x10', null],
    ['', null],
  ])('is read from Retry-After: %s', (value, ms) => {
    expect(waitOf({ 'retry-after': value })).toBe(ms);
  });

  it.each([503, 529, 500, 408])('is read with status %d as well', (status) => {
    expect(waitOf({ 'retry-after': '3' }, null, status)).toBe(3_000);
  });

  it('is by the provider’s own clock', () => {
    const headers = { date: 'Mon, 30 Nov 2026 15:00:00 GMT', 'retry-after': 'Mon, 30 Nov 2026 15:00:20 GMT' };
    expect(waitOf(headers)).toBe(20_000);
  });

  it('is finer in retry-after-ms, which comes first', () => {
    expect(waitOf({ 'retry-after-ms': '120.4', 'retry-after': '1' })).toBe(121);
    expect(waitOf({ 'retry-after-ms': 'x', 'retry-after': '1' })).toBe(1_000);
  });

  it.each([
    ['7.5s', 7_500],
    ['0.3s', 300],
    ['58s', 58_000],
    ['7', 7_000],
    [{ seconds: 7, nanos: 500_000_000 }, 7_500],
    [{ seconds: '7' }, 7_000],
    ['-3s', null],
    ['s', null],
    [7, null],
    [null, null],
  ])('is read from Google’s RetryInfo: %j', (delay, ms) => {
    expect(waitOf({}, retryInfo(delay))).toBe(ms);
  });

  it('is that of the limits when a quota is used up and nothing else is said', () => {
    expect(waitOf({ 'x-ratelimit-reset-requests': '120ms', 'x-ratelimit-reset-tokens': '6m0s' })).toBe(360_000);
    expect(
      waitOf({
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '120ms',
        'x-ratelimit-remaining-tokens': '9000',
        'x-ratelimit-reset-tokens': '6m0s',
      }),
    ).toBe(120);
    expect(waitOf({ 'anthropic-ratelimit-tokens-reset': '2026-11-30T12:00:09Z' })).toBe(9_000);
    expect(waitOf({ 'x-ratelimit-reset': String(NOW + 5_000) })).toBe(5_000);
    expect(waitOf({ 'x-ratelimit-reset-tokens': '6m0s', 'retry-after': '2' })).toBe(2_000);
    expect(waitOf({ 'x-ratelimit-reset-tokens': '6m0s' }, null, 503)).toBeNull();
  });

  it.each([
    ['please try again in 6m0s. visit', 360_000],
    ['please try again in 1.5s', 1_500],
    ['please try again in 20ms.', 20],
    ['please retry after 6 seconds.', 6_000],
    ['try again in 1 minute', 60_000],
    ['please retry in 53.016342224s.', 53_017],
    ['try again in a while', null],
    ['try again in 5 sandwiches', null],
  ])('is that of its sentence when all else is missing: %s', (sentence, ms) => {
    expect(waitOf({}, null, 429, sentence)).toBe(ms);
  });

  it('is that of a proxy’s body', () => {
    expect(waitOf({}, { error: { metadata: { headers: { 'X-RateLimit-Reset': String(NOW + 8_000) } } } })).toBe(8_000);
    expect(waitOf({}, { error: { retry_after: 3 } })).toBe(3_000);
  });

  it('is null or a whole number from 0 to an hour, whatever comes', () => {
    const anyHeader = fc.stringMatching(/^[ -~]{0,30}$/);
    fc.assert(
      fc.property(anyHeader, anyHeader, fc.anything(), fc.string(), (ms, after, body, sentence) => {
        const wait = waitOf({ 'retry-after-ms': ms, 'retry-after': after }, body, 429, sentence);
        expect(wait === null || (Number.isInteger(wait) && wait >= 0 && wait <= 3_600_000)).toBe(true);
      }),
      { verbose: true },
    );
  });

  it('goes with whether to ask again at all', () => {
    expect([' True ', 'false', 'maybe'].map((value) => mayRetry(new Headers({ 'x-should-retry': value })))).toEqual([
      true,
      false,
      null,
    ]);
    expect(mayRetry(new Headers())).toBeNull();
  });
});
