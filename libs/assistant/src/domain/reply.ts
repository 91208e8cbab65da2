import type { ConversationKind } from '@edgechat/conversations';
import type { AccountId, ConversationId, ReplyId } from '@edgechat/kernel';

/**
 * Why an answer will not come; the API turns each into a problem of the same code.
 * `ai_refused`: the provider refused the question, or its answer, for its content; `ai_input_too_long`: the question alone is more than the model takes (a repeat of either fails without a call).
 * `ai_misconfigured`: key, credit, model or region; `ai_overloaded`: the provider has no room for now; `ai_timed_out`: the reply's deadline passed.
 */
export const FAILURE_CODES = [
  'ai_not_configured',
  'ai_failed',
  'ai_quota_exceeded',
  'ai_refused',
  'ai_input_too_long',
  'ai_misconfigured',
  'ai_overloaded',
  'ai_timed_out',
  'budget_exhausted',
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

/** A reply that this process works on. `epoch` is the run's own: it can end the reply only while nobody began another. */
export interface RunningReply {
  readonly id: ReplyId;
  readonly conversationId: ConversationId;
  readonly kind: ConversationKind;
  readonly questionSeq: number;
  /** Who asked, and is charged. They need not be a member any more. */
  readonly accountId: AccountId;
  /** Who asked waits for the answer, or did. */
  readonly isWaitedFor: boolean;
  /** Calls of the provider that runs before made, since the question was asked, or asked anew. */
  readonly calls: number;
  /** Why the run before put the reply back, if it did. */
  readonly putBackFor: FailureCode | null;
  readonly epoch: number;
  /** When its time is over, by this process's clock, in milliseconds since 1970. */
  readonly endsAt: number;
}

/** What became of a reply, as far as it is known. */
export type ReplyOutcome =
  | { readonly status: 'done'; readonly answerSeq: number }
  | { readonly status: 'failed'; readonly code: FailureCode; readonly retryAfterS: number | null }
  /** Its conversation is deleted. */
  | { readonly status: 'gone' }
  | { readonly status: 'pending' };
