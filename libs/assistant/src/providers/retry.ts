import { AnswerFailed } from '../ports/language-model.js';
import type { ProviderFault } from './provider-fault.js';

const MAX_TRIES = 3;
const FIRST_PAUSE_MS = 250;

/** When a provider's quota is used up and it does not say for how long: the quotas of all three are per minute. */
const DEFAULT_RETRY_AFTER_S = 60;
const MAX_RETRY_AFTER_S = 3_600;

/**
 * Whether the same call may succeed if it is made again: the provider broke (5xx) or the connection did; a malformed answer
 * is one that was cut where HTTP does not show it. Not after 4xx, nor after an answer that came whole and is of no use, which
 * was paid for and would be so again. At most 3 tries in all.
 */
export function isWorthRepeating(fault: ProviderFault, failedTries: number): boolean {
  if (failedTries >= MAX_TRIES) return false;
  if (fault.kind === 'refused') return fault.status !== null && fault.status >= 500;
  return fault.kind === 'unreachable' || fault.kind === 'cut' || fault.kind === 'malformed';
}

/**
 * How long to wait after `failedTries` (from 1) failures: 250–375 ms, then 500–750 ms, twice as long each time. The spread
 * keeps many workers from coming back at one moment.
 * @param random 0 up to, not including, 1
 */
export function pauseMs(failedTries: number, random: number): number {
  return FIRST_PAUSE_MS * 2 ** (failedTries - 1) * (1 + random / 2);
}

/**
 * The seconds of a `Retry-After`, which is a count or an HTTP date: whole, 1–3,600. What is missing or unreadable is 60; a
 * date in the past is 1.
 */
export function retryAfterSeconds(header: string | undefined, nowMs: number): number {
  const value = header?.trim() ?? '';
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : (Date.parse(value) - nowMs) / 1_000;
  if (Number.isNaN(seconds)) return DEFAULT_RETRY_AFTER_S;
  return Math.min(Math.max(Math.ceil(seconds), 1), MAX_RETRY_AFTER_S);
}

/** What a fault that ends an attempt is for those who asked. */
export function answerFailed(fault: ProviderFault): AnswerFailed {
  const retryAfterS = fault.retryAfterMs === null ? null : Math.ceil(fault.retryAfterMs / 1_000);
  return new AnswerFailed(fault.code, { retryAfterS, cause: fault });
}
