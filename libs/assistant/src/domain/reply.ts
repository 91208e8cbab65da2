import type { ConversationKind } from '@edgechat/conversations';
import type { AccountId, ConversationId, ReplyId } from '@edgechat/kernel';

/** Why an answer will not come; the API turns each into a problem of the same code. */
export type FailureCode = 'ai_not_configured' | 'ai_failed' | 'ai_quota_exceeded' | 'budget_exhausted';

/** A reply that this process works on. `epoch` is the run's own: it can end the reply only while nobody began another. */
export interface RunningReply {
  readonly id: ReplyId;
  readonly conversationId: ConversationId;
  readonly kind: ConversationKind;
  readonly questionSeq: number;
  /** Who asked, and is charged. They need not be a member any more. */
  readonly accountId: AccountId;
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
