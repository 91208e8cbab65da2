import { FAILURE_CODES, type FailureCode } from '@edgechat/contracts';
import type { ConversationKind } from '@edgechat/conversations';
import type { AccountId, ConversationId, ReplyId } from '@edgechat/kernel';

export { FAILURE_CODES, type FailureCode };

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

/** What became of a reply, as far as it is known. `isInputCut`: the model was not shown all of the question. */
export type ReplyOutcome =
  | { readonly status: 'done'; readonly answerSeq: number; readonly isInputCut: boolean }
  | {
      readonly status: 'failed';
      readonly code: FailureCode;
      readonly retryAfterS: number | null;
      readonly isInputCut: boolean;
    }
  /** Its conversation is deleted. */
  | { readonly status: 'gone' }
  | { readonly status: 'queued' | 'running' };
