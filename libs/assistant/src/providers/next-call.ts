import type { Placement } from './prompt.js';
import type { ProviderFault } from './provider-fault.js';
import { isLasting, pauseMs, waitMs } from './pauses.js';

/*
 * What follows on a failed call. Two kinds of calls can succeed where one failed: the same again, where the provider or the connection broke, and another one, where the provider refused what
 * was sent. All causes share the calls that a request has.
 */

/** The same is sent so often at most. */
const REPEATS_MAX = 3;

/** A longer wait than this is not waited for here, where the answer holds a place that another could have. */
const WAIT_HERE_MAX_MS = 1_000;

/** With less time than this before the deadline no provider answers: the call would be paid for nothing. */
export const CALL_MIN_MS = 100;

/** What must be left for a call after a wait that is waited for elsewhere: somebody has to notice, claim and read first. */
const CALL_ROOM_MS = 1_000;

/** How much is sent of what was said before the question: all of it, its newer half, or nothing. */
export type Extent = 'whole' | 'half' | 'question';

/** What a call sends. */
export interface Attempt {
  readonly extent: Extent;
  readonly placement: Placement;
  /** How many calls have sent just this, with this one. */
  readonly repeats: number;
  /** The provider refused what stands before the question. */
  readonly isHistoryRefused: boolean;
}

/** A call that failed, and what it was made under. */
export interface FailedAttempt {
  readonly attempt: Attempt;
  readonly fault: ProviderFault;
  /** Calls that were made, with this one. */
  readonly calls: number;
  readonly callsMax: number;
  /** Milliseconds since 1970, as `nowMs`. */
  readonly endsAt: number;
  readonly nowMs: number;
  /** 0 up to, not including, 1 */
  readonly random: number;
  readonly hasInstruction: boolean;
  /** Whether anything stands before the question in an extent. */
  readonly hasOlder: (extent: Extent) => boolean;
}

interface FurtherCall {
  readonly attempt: Attempt;
  readonly pauseMs: number;
}

export type NextCall = FurtherCall | { readonly attempt: null; readonly isPassing: boolean };

/**
 * The call after one that failed, or why there is none.
 * - Another one, once the provider's wait is over: where the text is too long, with less of it; where it is refused for its content, without what stands before the question; where a 400 does not
 *   say why, with the instruction in the first turn, then without what stands before the question.
 * - The same, after a pause: where that may help, three times in all, and not if the provider wants a longer wait than a second.
 * - None without calls and time for it. `isPassing`: who can wait elsewhere for so long may ask the same again.
 */
export function nextCall(failed: FailedAttempt): NextCall {
  const { fault, calls, callsMax, endsAt, nowMs } = failed;
  const wait = waitMs(fault);
  const areCallsLeft = calls < callsMax;
  const next = another(failed) ?? again(failed, wait);

  if (next !== null && areCallsLeft && nowMs + next.pauseMs + CALL_MIN_MS <= endsAt) return next;
  const isPassing = areCallsLeft && wait !== null && isWorthRepeating(fault) && nowMs + wait + CALL_ROOM_MS <= endsAt;
  return { attempt: null, isPassing };
}

/** A call that sends something else, if there is one that can succeed where this one failed. */
function another(failed: FailedAttempt): FurtherCall | null {
  const { attempt, fault, calls, callsMax, hasInstruction, hasOlder } = failed;
  const { extent, placement } = attempt;
  const changed = (change: Partial<Attempt>): FurtherCall => ({
    attempt: { ...attempt, ...change, repeats: 1 },
    pauseMs: fault.retryAfterMs ?? 0,
  });

  if (fault.code === 'ai_input_too_long') {
    if (!hasOlder(extent)) return null;
    // The last call is for the question alone, which no half may take.
    const mayHalve = extent === 'whole' && hasOlder('half') && callsMax - calls >= 2;
    return changed({ extent: mayHalve ? 'half' : 'question' });
  }
  if (fault.isUnexplained && hasInstruction && placement === 'apart') return changed({ placement: 'inlined' });
  if ((fault.code === 'ai_refused' || fault.isUnexplained) && hasOlder(extent))
    return changed({ extent: 'question', isHistoryRefused: true });
  return null;
}

/** The same call again, if that may help and no long wait is asked for. */
function again(failed: FailedAttempt, wait: number | null): FurtherCall | null {
  const { attempt, fault, random, hasInstruction } = failed;
  if (!isWorthRepeating(fault) || (wait ?? 0) > WAIT_HERE_MAX_MS) return null;

  const pause = Math.max(pauseMs(attempt.repeats, random), wait ?? 0);
  if (attempt.repeats < REPEATS_MAX) return { attempt: { ...attempt, repeats: attempt.repeats + 1 }, pauseMs: pause };
  // The templates of some servers (llama.cpp) break with a 500 at an instruction.
  const isTemplates = fault.status === 500 && hasInstruction && attempt.placement === 'apart';
  return isTemplates ? { attempt: { ...attempt, placement: 'inlined', repeats: 1 }, pauseMs: pause } : null;
}

/** Those of 4xx that say nothing about the request: time-out, conflict, too early, too many. */
const PASSING_STATUSES: readonly number[] = [408, 409, 425, 429];

/**
 * Whether the same call may succeed if it is made again: the provider broke (5xx) or has no room, or the connection broke; a malformed answer is one that was cut where HTTP does not show it. Not
 * after other 4xx, nor after an answer that came whole and is of no use, which was paid for and would be so again. What the provider says of it counts before that.
 */
export function isWorthRepeating({ kind, code, status, mayRetry }: ProviderFault): boolean {
  if (isLasting(code)) return false;
  if (mayRetry !== null) return mayRetry;
  if (code === 'ai_overloaded' || code === 'ai_quota_exceeded') return true;
  if (kind === 'refused') return status !== null && (status >= 500 || PASSING_STATUSES.includes(status));
  return kind === 'unreachable' || kind === 'cut' || kind === 'malformed';
}
