import type { AccountId, ConversationId, MessageId, ReplyId } from '@edgechat/kernel';
import type { BilledCall } from '@edgechat/usage';

/** A message as it is read: numbered by the ledger, its text from MongoDB or, until that has it, from the outbox. */
export interface Message {
  readonly id: MessageId;
  readonly conversationId: ConversationId;
  /** From 1, without a hole. */
  readonly seq: number;
  readonly role: 'user' | 'model';
  /** Null for the assistant, as is `authorName`, which is the author's name now. */
  readonly authorId: AccountId | null;
  readonly authorName: string | null;
  readonly content: string;
  readonly clientKey: string | null;
  /** The message that an answer answers. */
  readonly answersSeq: number | null;
  readonly createdAt: Date;
}

/** A message that a person wants sent. */
export interface PersonSend {
  readonly by: 'person';
  readonly conversationId: ConversationId;
  readonly authorId: AccountId;
  /** Makes a repeat safe; belongs to (conversation, author) as long as the message lives. */
  readonly clientKey: string | null;
  readonly content: string;
  /** The id that the reply gets if an answer will be owed. Chosen before the send, so that who waits for it can listen before it exists. */
  readonly replyId: ReplyId;
  /** How long the answer may take from now, in milliseconds. */
  readonly answerWithinMs: number;
  /** The request or job that sends, whose id the log lines of what comes of it have. */
  readonly requestId?: string | null;
}

/** An answer of the assistant, which ends its reply in the same transaction. */
export interface AnswerSend {
  readonly by: 'assistant';
  readonly conversationId: ConversationId;
  readonly replyId: ReplyId;
  readonly questionSeq: number;
  /** The run that made the answer; a later run voids it. */
  readonly epoch: number;
  readonly content: string;
  readonly provider: string;
  readonly model: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly finishReason: string;
  /** The model was not shown all of the question. */
  readonly isInputCut?: boolean;
  /** The provider refused what stands before the question, and answered it alone. */
  readonly isHistoryRefused?: boolean;
  /** Calls of the run before the answer that are billed: they are charged with it. */
  readonly failedCalls?: readonly BilledCall[];
  /** The request or job that sends, whose id the log lines of what comes of it have. */
  readonly requestId?: string | null;
}

export type Send = PersonSend | AnswerSend;

export type ReplyStatus = 'queued' | 'running' | 'done' | 'failed';

/** What became of a send. */
export interface SentMessage {
  readonly id: MessageId;
  readonly seq: number;
  readonly createdAt: Date;
  /** The author's name now; null for the assistant. */
  readonly authorName: string | null;
  /** True when this key had sent the message before. */
  readonly isReplay: boolean;
  /** The answer that is owed, or null where none is. */
  readonly reply: {
    readonly id: ReplyId;
    readonly status: ReplyStatus;
    /** Time that it has left, in milliseconds by the database's clock. */ readonly leftMs: number;
  } | null;
  /** True where who sends waits for the answer: in kind `assistant` with `always`. */
  readonly waitsForAnswer: boolean;
}
