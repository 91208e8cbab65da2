import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { OutboxModule } from '@edgechat/platform/outbox';
import { MESSAGES, MessageDocuments, messageSchema } from './persistence/message-documents.js';
import { ListConversations } from './queries/list-conversations.js';
import { ReadMessages } from './queries/read-messages.js';
import { CreateConversation } from './use-cases/create-conversation.js';
import { DeleteConversation } from './use-cases/delete-conversation.js';
import { FanOutMessages } from './use-cases/fan-out-messages.js';
import { MarkRead } from './use-cases/mark-read.js';
import { PurgeConversation } from './use-cases/purge-conversation.js';
import { SendMessage } from './use-cases/send-message.js';
import { StoreMessages } from './use-cases/store-messages.js';

const USE_CASES = [CreateConversation, DeleteConversation, SendMessage, StoreMessages, FanOutMessages, MarkRead, PurgeConversation];
const QUERIES = [ListConversations, ReadMessages];

@Module({
  imports: [OutboxModule, MongooseModule.forFeature([{ name: MESSAGES, schema: messageSchema }])],
  providers: [...USE_CASES, ...QUERIES, MessageDocuments],
  exports: [...USE_CASES, ...QUERIES],
})
export class ConversationsModule {}
