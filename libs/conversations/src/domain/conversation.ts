import type { AccountId, ConversationId } from '@edgechat/kernel';

/** The kinds that clients may make today; the others come with their members. */
export type ConversationKind = 'assistant';

/** When the assistant answers: each message, when it is mentioned, or never. */
export type AssistantMode = 'always' | 'mention' | 'off';

export type MemberRole = 'owner' | 'admin' | 'member';

/** The start of the newest message, for a list. `authorId` is null for the assistant. */
export interface LastMessage {
  readonly seq: number;
  readonly role: 'user' | 'model';
  readonly authorId: AccountId | null;
  readonly content: string;
  readonly createdAt: Date;
}

/** A conversation as one of its members sees it. */
export interface Conversation {
  readonly id: ConversationId;
  readonly kind: ConversationKind;
  readonly title: string | null;
  readonly assistant: AssistantMode;
  readonly createdAt: Date;
  /** Time of the last message, or of creation. */
  readonly updatedAt: Date;
  readonly lastSeq: number;
  readonly readSeq: number;
  readonly memberCount: number;
  readonly myRole: MemberRole;
  readonly lastMessage: LastMessage | null;
}
