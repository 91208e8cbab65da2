import { PASSING_STATUSES } from './doubts.js';
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
  /** The provider refused what stands before the question, and it was left out for that. */
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
 * - Another one: where the text is too long, with less of it; where it is refused for its content, or nothing but a person's text may be the reason, without what stands before the question; where the
 *   form may be the reason, before that with the instruction in the first turn.
 * - The same, after a pause: where that may help, three times in all, and not if the provider wants a longer wait than a second. After the third 500 both of the other calls as one.
 * - None without calls and time for it. `isPassing`: who can wait elsewhere, as long as is named, may ask the same again.
 */
export function nextCall(failed: FailedAttempt): NextCall {
  const { fault, calls, callsMax, endsAt, nowMs } = failed;
  const wait = waitMs(fault);
  const areCallsLeft = calls < callsMax;
  const next = another(failed) ?? again(failed, wait);

  if (next !== null && areCallsLeft && nowMs + next.pauseMs + CALL_MIN_MS <= endsAt) return next;
  const isPassing = areCallsLeft && isWorthRepeating(fault) && nowMs + (wait ?? 0) + CALL_ROOM_MS <= endsAt;
  return { attempt: null, isPassing };
}

/** A call that sends something else, if there is one that can succeed where this one failed. */
function another(failed: FailedAttempt): FurtherCall | null {
  const { attempt, fault, calls, callsMax, hasInstruction, hasOlder } = failed;
  const { extent, placement } = attempt;
  const changed = (change: Partial<Attempt>, pause = 0): FurtherCall => ({
    attempt: { ...attempt, ...change, repeats: 1 },
    pauseMs: pause,
  });

  // The size or the text is the reason then, not the time: a wait that is named changes nothing.
  if (fault.code === 'ai_input_too_long') {
    if (!hasOlder(extent)) return null;
    // The last call is for the question alone, which no half may take.
    const mayHalve = extent === 'whole' && hasOlder('half') && callsMax - calls >= 2;
    return changed({ extent: mayHalve ? 'half' : 'question' });
  }
  if (fault.mayBeForm && hasInstruction && placement === 'apart')
    return changed({ placement: 'inlined' }, shortWaitMs(fault));
  if (!hasOlder(extent)) return null;
  const alone = { extent: 'question', isHistoryRefused: true } as const;
  if (fault.code === 'ai_refused') return changed(alone);
  return fault.mayBeHistory ? changed(alone, shortWaitMs(fault)) : null;
}

/** The named wait where it is so short that it is waited for here; a longer one is for who repeats the same. */
function shortWaitMs({ retryAfterMs }: ProviderFault): number {
  return retryAfterMs !== null && retryAfterMs <= WAIT_HERE_MAX_MS ? retryAfterMs : 0;
}

/** The same call again, if that may help and no long wait is asked for. */
function again(failed: FailedAttempt, wait: number | null): FurtherCall | null {
  const { attempt, fault, random } = failed;
  if (!isWorthRepeating(fault) || (wait ?? 0) > WAIT_HERE_MAX_MS) return null;

  const pause = Math.max(pauseMs(attempt.repeats, random), wait ?? 0);
  if (attempt.repeats < REPEATS_MAX) return { attempt: { ...attempt, repeats: attempt.repeats + 1 }, pauseMs: pause };
  const other = fault.status === 500 ? afterThird500(failed) : null;
  return other === null ? null : { attempt: other, pauseMs: pause };
}

/**
 * The templates of some servers (llama.cpp) break with a 500 at an instruction, and some servers at a text. One call is left for both. That it succeeds proves neither, since a 500 may pass by itself:
 * nothing is remembered of the model or of what was said before.
 */
function afterThird500({ attempt, hasInstruction, hasOlder }: FailedAttempt): Attempt | null {
  const isSame = !hasOlder(attempt.extent) && !(hasInstruction && attempt.placement === 'apart');
  if (isSame) return null;
  const placement = hasInstruction ? 'inlined' : attempt.placement;
  return { ...attempt, extent: hasOlder(attempt.extent) ? 'question' : attempt.extent, placement, repeats: 1 };
}

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
