import type { AnswerFailedCode } from '../ports/language-model.js';
import type { ProviderFault } from './provider-fault.js';

const FIRST_PAUSE_MS = 250;

/** When a provider's quota is used up and it does not say for how long: the quotas of all three are per minute. */
const QUOTA_WAIT_MS = 60_000;

const RETRY_AFTER_MAX_S = 3_600;

/** With these the same request fails again, whenever it is made. */
const LASTING: readonly AnswerFailedCode[] = [
  'ai_not_configured',
  'ai_refused',
  'ai_input_too_long',
  'ai_misconfigured',
];

/** Whether no wait helps. */
export const isLasting = (code: AnswerFailedCode): boolean => LASTING.includes(code);

/**
 * How long to wait after `failedCalls` (from 1) of the same: 250–375 ms, then 500–750 ms, twice as long each time. The spread
 * keeps many workers from coming back at one moment.
 * @param random 0 up to, not including, 1
 */
export function pauseMs(failedCalls: number, random: number): number {
  return FIRST_PAUSE_MS * 2 ** (failedCalls - 1) * (1 + random / 2);
}

/** How long the provider wants nobody to ask: as it says, or as is usual; null where nothing is known. */
export function waitMs({ code, retryAfterMs }: ProviderFault): number | null {
  return retryAfterMs ?? (code === 'ai_quota_exceeded' ? QUOTA_WAIT_MS : null);
}

/** That wait for those who asked: whole seconds, 1 to 3,600; null also where a repeat is of no use. */
export function waitSeconds(fault: ProviderFault): number | null {
  const wait = waitMs(fault);
  if (wait === null || isLasting(fault.code)) return null;
  return Math.min(Math.max(Math.ceil(wait / 1_000), 1), RETRY_AFTER_MAX_S);
}
