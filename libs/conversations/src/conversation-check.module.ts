import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { DocumentPlaces } from './persistence/document-places.js';
import { MESSAGES, MessageDocuments, messageSchema } from './persistence/message-documents.js';
import { ReadMessages } from './queries/read-messages.js';
import { VerifyPlaces } from './queries/verify-places.js';
import { VerifyStores } from './queries/verify-stores.js';
import { WalkConversations } from './queries/walk-conversations.js';
import { RebuildInbox } from './use-cases/rebuild-inbox.js';

const PUBLIC = [ReadMessages, RebuildInbox, VerifyStores, WalkConversations];

/** Rebuilding and verifying: for the operator's commands, which need PostgreSQL and MongoDB only. */
@Module({
  imports: [MongooseModule.forFeature([{ name: MESSAGES, schema: messageSchema }])],
  providers: [...PUBLIC, DocumentPlaces, MessageDocuments, VerifyPlaces],
  exports: PUBLIC,
})
export class ConversationCheckModule {}
