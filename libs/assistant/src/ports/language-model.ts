/** One turn of what the model is shown: a person's text, the model's own earlier text, or the operator's instructions. */
export interface ChatTurn {
  readonly role: 'user' | 'model' | 'system';
  readonly content: string;
  /** Who said it, where several people talk: unique among them, safe to show. `shownText` puts it before the text. */
  readonly speaker?: string;
}

/** Why the model stopped. `length`: the text was cut by a limit, the provider's or ours; `content-filter`: by the provider's rules. */
export type FinishReason = 'stop' | 'length' | 'content-filter' | 'other';

/** What came back. `text` is not blank, well formed, without NUL, at most 100,000 code points: every store can keep it. */
export interface Answer {
  readonly text: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly finishReason: FinishReason;
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
}

export type AnswerFailedCode = 'ai_not_configured' | 'ai_failed' | 'ai_quota_exceeded';

const SENTENCES: Readonly<Record<AnswerFailedCode, string>> = {
  ai_not_configured: 'AI service not configured',
  ai_failed: 'The AI provider gave no usable answer',
  ai_quota_exceeded: 'The quota of the AI provider is used up',
};

/**
 * The only error of a `LanguageModel`. What could be repeated was repeated by then. `cause` says what happened in words
 * that are safe to log: no key, no address with a key in it, no text of a conversation, nothing that the provider wrote.
 */
export class AnswerFailed extends Error {
  /** Whole seconds, 1–3,600, after which asking again makes sense; null except for `ai_quota_exceeded`. */
  readonly retryAfterS: number | null;

  constructor(
    readonly code: AnswerFailedCode,
    options: { readonly retryAfterS?: number | null; readonly cause?: unknown } = {},
  ) {
    super(SENTENCES[code], { cause: options.cause });
    this.name = 'AnswerFailed';
    this.retryAfterS = options.retryAfterS ?? null;
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
   * @throws AnswerFailed and nothing else; `ai_failed` also once `signal` is aborted
   */
  abstract complete(request: AnswerRequest): Promise<Answer>;
}
