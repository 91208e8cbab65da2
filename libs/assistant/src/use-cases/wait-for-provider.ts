import type { RunningReply } from '../domain/reply.js';
import { CALLS_MAX, type AnswerFailed } from '../ports/language-model.js';

/** For a provider that may answer later, and did not say when: at first, and after a wait that was too short. */
const WAIT_UNTOLD_S = 15;
const NEXT_WAIT_UNTOLD_S = 30;

/** What waits: a reply, or a prompt, for which somebody always waits. */
export type Waiting = Pick<RunningReply, 'calls' | 'endsAt' | 'isWaitedFor' | 'putBackFor'>;

/**
 * For how many seconds a reply or prompt waits for its provider, holding nothing; null when it has failed. It waits where a repeat may succeed within its deadline, and calls are left for it. Who
 * waits for an answer is told at once of a quota that is used up, and where the provider did not say when it may answer, and decides.
 */
export function waitForProviderS(
  waiting: Waiting,
  { code, isPassing, retryAfterS, calls }: AnswerFailed,
): number | null {
  if (!isPassing || (waiting.isWaitedFor && (code === 'ai_quota_exceeded' || retryAfterS === null))) return null;
  const waitS = retryAfterS ?? (waiting.putBackFor === null ? WAIT_UNTOLD_S : NEXT_WAIT_UNTOLD_S);
  return waiting.calls + calls < CALLS_MAX && Date.now() + waitS * 1_000 < waiting.endsAt ? waitS : null;
}
