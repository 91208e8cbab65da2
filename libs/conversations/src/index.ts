export { ConversationCheckModule } from './conversation-check.module.js';
export { ConversationsModule } from './conversations.module.js';
export {
  GROUP_MAX,
  type AssistantMode,
  type Conversation,
  type ConversationKind,
  type LastMessage,
  type Member,
  type MemberRole,
} from './domain/conversation.js';
export { unknownAccount } from './domain/people-limits.js';
export type {
  AnswerSend,
  Message,
  MessageReply,
  PersonSend,
  ReplyStatus,
  Send,
  SentMessage,
} from './domain/message.js';
export { MessageBackupModule } from './message-backup.module.js';
export { BadDump, readDump, type DumpEntry } from './persistence/dump-format.js';
export { MESSAGES } from './persistence/message-documents.js';
export { patiently } from './persistence/patiently.js';
export { prepareMessages } from './persistence/prepare-messages.js';
export type { LostTexts } from './queries/find-lost-texts.js';
export { ListConversations, type InboxStart } from './queries/list-conversations.js';
export { ListMembers, type MemberPlace } from './queries/list-members.js';
export { ReadMessages, type MessagePlace, type MessageRange } from './queries/read-messages.js';
export { NOTICES, PROBLEMS, type Finding, type ProblemKind } from './queries/problems.js';
export { VerifyStores, type Verdict, type VerifyProgress } from './queries/verify-stores.js';
export { WalkConversations, type Extent, type WalkedConversation } from './queries/walk-conversations.js';
export { AddMembers } from './use-cases/add-members.js';
export { ChangeConversation, type ConversationChange } from './use-cases/change-conversation.js';
export { ChangeRole } from './use-cases/change-role.js';
export { CreateConversation, type MadeConversation, type NewConversation } from './use-cases/create-conversation.js';
export { DeleteConversation } from './use-cases/delete-conversation.js';
export { DumpMessages, type DumpProgress } from './use-cases/dump-messages.js';
export { FanOutMessages } from './use-cases/fan-out-messages.js';
export { MarkRead, type ReadMark } from './use-cases/mark-read.js';
export { PurgeConversation } from './use-cases/purge-conversation.js';
export { RebuildInbox, type InboxProgress } from './use-cases/rebuild-inbox.js';
export { RemoveMember } from './use-cases/remove-member.js';
export { RestoreMessages, type RestoreProgress } from './use-cases/restore-messages.js';
export { SendMessage, StaleReply } from './use-cases/send-message.js';
export { StoreMessages } from './use-cases/store-messages.js';
export { WipeMessages } from './use-cases/wipe-messages.js';
