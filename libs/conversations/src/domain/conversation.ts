import type { AccountId, ConversationId } from '@edgechat/kernel';

/** One person with the assistant, two people, or up to `GROUP_MAX`. The assistant can be asked in each. */
export type ConversationKind = 'assistant' | 'direct' | 'group';

/** When the assistant answers: each message, when it is mentioned, or never. */
export type AssistantMode = 'always' | 'mention' | 'off';

export type MemberRole = 'owner' | 'admin' | 'member';

/** Members of a group, at most. */
export const GROUP_MAX = 10_000;

/** What the assistant does where its mode is not said. */
export const DEFAULT_MODE: Readonly<Record<ConversationKind, AssistantMode>> = {
  assistant: 'always',
  direct: 'off',
  group: 'mention',
};

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
  /** What inboxes are ordered by: the later of `updatedAt` and when this member was added. */
  readonly sortAt: Date;
  readonly lastSeq: number;
  readonly readSeq: number;
  readonly memberCount: number;
  readonly myRole: MemberRole;
  readonly lastMessage: LastMessage | null;
}

/** A person in a conversation. */
export interface Member {
  readonly accountId: AccountId;
  /** The name now. */
  readonly displayName: string;
  readonly role: MemberRole;
  readonly joinedAt: Date;
}
