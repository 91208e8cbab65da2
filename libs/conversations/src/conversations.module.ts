import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { OutboxModule } from '@edgechat/platform/outbox';
import { DailyUseModule } from '@edgechat/usage';
import { MESSAGES, MessageDocuments, messageSchema } from './persistence/message-documents.js';
import { ListConversations } from './queries/list-conversations.js';
import { ListMembers } from './queries/list-members.js';
import { ReadMessages } from './queries/read-messages.js';
import { AddMembers } from './use-cases/add-members.js';
import { ChangeConversation } from './use-cases/change-conversation.js';
import { ChangeRole } from './use-cases/change-role.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { FanOutMessages } from './use-cases/fan-out-messages.js';
import { MarkRead } from './use-cases/mark-read.js';
import { PurgeConversation } from './use-cases/purge-conversation.js';
import { RemoveMember } from './use-cases/remove-member.js';
import { SendLedger } from './use-cases/send-ledger.js';
import { SendMessage } from './use-cases/send-message.js';
import { StoreMessages } from './use-cases/store-messages.js';
import { StoredTexts } from './use-cases/stored-texts.js';

const MEMBERSHIP = [AddMembers, ChangeRole, RemoveMember];
const USE_CASES = [
  CreateConversation,
  ChangeConversation,
  DeleteConversation,
  SendMessage,
  StoreMessages,
  FanOutMessages,
  MarkRead,
  PurgeConversation,
  ...MEMBERSHIP,
];
const QUERIES = [ListConversations, ListMembers, ReadMessages];

@Module({
  imports: [OutboxModule, DailyUseModule, MongooseModule.forFeature([{ name: MESSAGES, schema: messageSchema }])],
  providers: [...USE_CASES, ...QUERIES, MessageDocuments, SendLedger, StoredTexts],
  exports: [...USE_CASES, ...QUERIES],
})
export class ConversationsModule {}
