import type { LanguageModel as SdkModel } from 'ai';
import { CALLS_MAX, type AnswerRequest } from '../ports/language-model.js';

/** What a request needs besides its turns: a deadline in so many milliseconds, and all calls. */
export const deadlineIn = (ms: number): Omit<AnswerRequest, 'messages'> => ({
  signal: AbortSignal.timeout(ms),
  endsAt: Date.now() + ms,
  callsMax: CALLS_MAX,
});

/** For tests in which nobody speaks to a provider. */
export const UNUSED_SDK_MODEL: SdkModel = 'unused';
