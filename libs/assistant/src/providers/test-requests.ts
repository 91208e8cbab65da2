import { CALLS_MAX, type AnswerRequest } from '../ports/language-model.js';

/** What a request needs besides its turns: a deadline in so many milliseconds, and all calls. */
export const deadlineIn = (ms: number): Omit<AnswerRequest, 'messages'> => ({
  signal: AbortSignal.timeout(ms),
  endsAt: Date.now() + ms,
  callsMax: CALLS_MAX,
});
