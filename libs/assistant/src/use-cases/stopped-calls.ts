import type { AnswerFailed, AnswerFailedCode } from '../ports/language-model.js';

/** Calls of a run that count towards `CALLS_MAX`: not the one that the stop of this process cut, for which neither the provider nor the text is to blame. (It may be billed all the same.) */
export function countedCalls({ code, calls }: AnswerFailed, stop: AbortSignal): number {
  return stop.aborted && code === 'ai_timed_out' ? Math.max(0, calls - 1) : calls;
}

/** What the provider said last, or null where it had no time to say anything. */
export function saidBy({
  code,
  retryAfterS,
}: AnswerFailed): { readonly code: AnswerFailedCode; readonly retryAfterS: number | null } | null {
  return code === 'ai_timed_out' ? null : { code, retryAfterS };
}
