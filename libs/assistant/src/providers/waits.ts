import { listOf, member, textOf } from './unknown-json.js';

const MAX_WAIT_MS = 3_600_000;

/** A count of what may still be asked, and when it is full again. */
const LIMITS: readonly (readonly [remaining: string, reset: string])[] = [
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map(
    (what) => [`anthropic-ratelimit-${what}-remaining`, `anthropic-ratelimit-${what}-reset`] as const,
  ),
  ...['requests', 'tokens'].map((what) => [`x-ratelimit-remaining-${what}`, `x-ratelimit-reset-${what}`] as const),
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
  ['ratelimit-remaining', 'ratelimit-reset'],
];

/** What is asked of a refusal for how long to wait. */
export interface Refusal {
  readonly status: number | null;
  readonly headers: Headers;
  readonly body: unknown;
  /** What the body says, in small letters. */
  readonly sentences: string;
}

/**
 * How long a provider says to wait, in whole milliseconds from 0 to an hour; null where it says nothing, or nothing that can
 * be read. The first of: `retry-after-ms`, `Retry-After`, Google's `RetryInfo`, and for a used-up quota when its limits are
 * full again, and what its sentence says. A moment is compared with the provider's own clock, where it shows it.
 */
export function namedWaitMs({ status, headers, body, sentences }: Refusal, nowMs: number): number | null {
  const thereMs = momentMs(headers.get('date') ?? '') ?? nowMs;
  const named =
    bounded(number(headers.get('retry-after-ms'))) ??
    waitOf(headers.get('retry-after'), thereMs) ??
    retryInfoMs(body) ??
    waitOf(bodysRetryAfter(body), thereMs);
  if (named !== null || (status !== 429 && status !== 503 && status !== 529)) return named;
  return (status === 429 ? limitsResetMs(headers, thereMs) : null) ?? sentenceWaitMs(sentences);
}

/** What the provider says of repeating the same call; null where it says nothing. */
export function mayRetry(headers: Headers): boolean | null {
  const said = headers.get('x-should-retry')?.trim().toLowerCase();
  return said === 'true' ? true : said === 'false' ? false : null;
}

/** Seconds, a span such as `6m0s`, or a moment: RFC 9110 has the first and the last, and providers have all. */
function waitOf(value: string | null, nowMs: number): number | null {
  const text = (value ?? '').trim();
  const first = /^(\d[\d.]*)\s*,/.exec(text)?.[1] ?? text;
  const seconds = number(first);
  if (seconds !== null) return bounded(sinceEpochMs(seconds, nowMs) ?? seconds * 1_000);
  const moment = momentMs(text);
  return moment === null ? spanMs(text) : bounded(Math.max(moment - nowMs, 0));
}

/** Some say when, in seconds or milliseconds since 1970: more than any wait. */
function sinceEpochMs(value: number, nowMs: number): number | null {
  if (value < 1e9) return null;
  return Math.max((value < 1e11 ? value * 1_000 : value) - nowMs, 0);
}

function number(text: string | null): number | null {
  const value = text?.trim() ?? '';
  return /^\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : null;
}

/** Only what is written as a date: `Date.parse` finds one in almost anything that ends in a number. */
function momentMs(text: string): number | null {
  const isDate = /^(?:[A-Z][a-z]{2,8},? \d|\d{4}-\d\d-\d\d[T ])/.test(text) && text.length <= 40;
  const moment = isDate ? Date.parse(text) : NaN;
  return Number.isNaN(moment) ? null : moment;
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** `1h2m3.5s`, `120ms`, `7.5s`. */
function spanMs(text: string): number | null {
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|h|m|s)){1,4}$/.test(text)) return null;
  let sum = 0;
  for (const [, count = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g))
    sum += Number(count) * (UNITS[unit] ?? 0);
  return bounded(sum);
}

function bounded(ms: number | null): number | null {
  return ms === null || !Number.isFinite(ms) || ms < 0 ? null : Math.min(Math.ceil(ms), MAX_WAIT_MS);
}

function retryInfoMs(body: unknown): number | null {
  const details = listOf(member(member(body, 'error'), 'details')).slice(0, 20);
  for (const detail of details) {
    const delay = member(detail, 'retryDelay');
    const wait =
      typeof delay === 'string'
        ? (spanMs(delay.trim()) ?? secondsMs(number(delay)))
        : secondsMs(numberIn(delay, 'seconds'), numberIn(delay, 'nanos'));
    if (wait !== null) return wait;
  }
  return null;
}

function numberIn(value: unknown, name: string): number | null {
  const found = member(value, name);
  return number(typeof found === 'number' ? String(found) : textOf(found));
}

function secondsMs(seconds: number | null, nanos: number | null = null): number | null {
  return seconds === null && nanos === null ? null : bounded((seconds ?? 0) * 1_000 + (nanos ?? 0) / 1e6);
}

/** Proxies put the header of the provider behind them into the body. */
function bodysRetryAfter(body: unknown): string | null {
  const error = member(body, 'error');
  const metadata = member(error, 'metadata');
  const places = [
    member(error, 'retry_after'),
    member(body, 'retry_after'),
    member(metadata, 'retry_after'),
    member(metadata, 'retry_after_seconds'),
    member(member(metadata, 'headers'), 'Retry-After'),
    member(member(metadata, 'headers'), 'X-RateLimit-Reset'),
  ];
  const found = places.find((value) => typeof value === 'number' || (typeof value === 'string' && value !== ''));
  return found === undefined ? null : String(found);
}

/** The limits that are used up, else all: the longest, since a call needs room in each. */
function limitsResetMs(headers: Headers, nowMs: number): number | null {
  const limits = LIMITS.map(([remaining, reset]) => ({
    isUsedUp: headers.get(remaining)?.trim() === '0',
    waitMs: waitOf(headers.get(reset), nowMs),
  })).filter(({ waitMs }) => waitMs !== null);
  const usedUp = limits.filter(({ isUsedUp }) => isUsedUp);
  const waits = (usedUp.length > 0 ? usedUp : limits).map(({ waitMs }) => waitMs ?? 0);
  return waits.length === 0 ? null : Math.max(...waits);
}

/** `Please try again in 6m0s.`, `Please retry after 6 seconds.`: all that some proxies let through. */
function sentenceWaitMs(sentences: string): number | null {
  const said =
    /(?:try again|retry|wait) (?:in|after|for) ([\d.]+(?:ms|h|m|s)(?:[\d.]+(?:ms|h|m|s)){0,3})(?![a-z])/.exec(
      sentences,
    );
  if (said?.[1] !== undefined) return spanMs(said[1]);
  const [, count = '', unit = ''] =
    /(?:try again|retry|wait) (?:in|after|for) (\d{1,9}(?:\.\d{1,9})?) ?(millisecond|second|minute|hour)/.exec(
      sentences,
    ) ?? [];
  if (count === '') return null;
  return spanMs(`${count}${unit === 'millisecond' ? 'ms' : unit.slice(0, 1)}`);
}
