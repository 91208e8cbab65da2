import type { FailureCode } from '../domain/reply.js';

/** One turn of what the model is shown: a person's text, the model's own earlier text, or the operator's instructions. */
export interface ChatTurn {
  readonly role: 'user' | 'model' | 'system';
  readonly content: string;
  /** Who said it, where several people talk: unique among them, safe to show. `shownText` puts it before the text. */
  readonly speaker?: string;
}

/** Why the model stopped. `length`: the text was cut by a limit, the provider's or ours; `content-filter`: by the provider's rules. */
export type FinishReason = 'stop' | 'length' | 'content-filter' | 'other';

/** Calls of a provider that one question may cost, all causes together, in all runs since it was asked. */
export const CALLS_MAX = 4;

/** Tokens that a provider bills for a call that gave no answer: as it reported them, else counted. */
export interface FailedCall {
  /** Which call of the request it was, from 1. */
  readonly call: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** What came back. `text` is not blank, well formed, without NUL, at most 100,000 code points: every store can keep it. */
export interface Answer {
  readonly text: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly finishReason: FinishReason;
  /** Calls that the request made, with the one that answered. */
  readonly calls: number;
  /** Calls before this one that are billed, in order. */
  readonly failedCalls: readonly FailedCall[];
  /** The provider refused what stands before the question, for its content or without saying why, and answered the question alone. */
  readonly isHistoryRefused: boolean;
}

/**
 * `signal` is the deadline, and the only one: the port sets none of its own. On Node 20 a signal made as
 * `AbortSignal.any([AbortSignal.timeout(ms), …])` never fires once the timeout, which nothing else holds, was collected as garbage
 * (seen; an answer then hangs for ever). Abort a controller by a timer instead.
 */
export interface AnswerRequest {
  /** Newest last. The last one is the question. */
  readonly messages: readonly ChatTurn[];
  readonly signal: AbortSignal;
  /** When `signal` aborts at the latest, in milliseconds since 1970: no pause and no call begins that cannot end before. */
  readonly endsAt: number;
  /** Calls that may be made, 1 to CALLS_MAX. */
  readonly callsMax: number;
}

export type AnswerFailedCode = Exclude<FailureCode, 'budget_exhausted'>;

const SENTENCES: Readonly<Record<AnswerFailedCode, string>> = {
  ai_not_configured: 'AI service not configured',
  ai_failed: 'The AI provider gave no usable answer',
  ai_quota_exceeded: 'The quota of the AI provider is used up for now',
  ai_refused: 'The AI provider refused the text for its content',
  ai_input_too_long: 'The text is longer than the model takes',
  ai_misconfigured: 'The AI provider refuses this installation',
  ai_overloaded: 'The AI provider is overloaded',
  ai_timed_out: 'The AI provider gave no answer in time',
};

/**
 * The only error of a `LanguageModel`. What could be repeated at once was repeated by then. `cause` says what happened in words
 * that are safe to log: no key, no address with a key in it, no text of a conversation, no sentence that the provider wrote.
 */
export class AnswerFailed extends Error {
  /** Whole seconds, 1 to 3,600, after which the provider may answer, as it said or as is usual; null where a repeat is of no use, or nobody named a wait. */
  readonly retryAfterS: number | null;
  /** The same request may succeed later, after `retryAfterS` where that is known, and calls and time are left for it: who can wait without holding anything asks again. */
  readonly isPassing: boolean;
  /** Calls that were made. */
  readonly calls: number;
  /** Those of them that are billed, in order. */
  readonly failedCalls: readonly FailedCall[];

  constructor(
    readonly code: AnswerFailedCode,
    options: {
      readonly retryAfterS?: number | null;
      readonly isPassing?: boolean;
      readonly calls?: number;
      readonly failedCalls?: readonly FailedCall[];
      readonly cause?: unknown;
    } = {},
  ) {
    super(SENTENCES[code], { cause: options.cause });
    this.name = 'AnswerFailed';
    this.retryAfterS = options.retryAfterS ?? null;
    this.isPassing = options.isPassing ?? false;
    this.calls = options.calls ?? 0;
    this.failedCalls = options.failedCalls ?? [];
  }
}

/**
 * Whoever answers: a provider behind its network, the demo, or nobody. Each implementation passes the same suite
 * (`providers/conformance.int-spec.ts`).
 */
export abstract class LanguageModel {
  /** The provider's name as in `AI_PROVIDER`; `none` when there is none. It is stored with each answer. */
  abstract readonly provider: string;

  /** The model's name as the provider knows it. It is stored with each answer. */
  abstract readonly model: string;

  /**
   * One whole answer to the last of `messages`. Not repeatable without cost: each call may be charged by the provider.
   * @throws AnswerFailed and nothing else; `ai_timed_out` once `signal` is aborted
   */
  abstract complete(request: AnswerRequest): Promise<Answer>;
}
