import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AllDocuments } from './persistence/all-documents.js';
import { MESSAGES, MessageDocuments, messageSchema } from './persistence/message-documents.js';
import { FindLostTexts } from './queries/find-lost-texts.js';
import { DumpMessages } from './use-cases/dump-messages.js';
import { RestoreMessages } from './use-cases/restore-messages.js';
import { WipeMessages } from './use-cases/wipe-messages.js';

const USE_CASES = [DumpMessages, RestoreMessages, WipeMessages];

/** Backup and restore of the messages: for the operator's commands, which need neither Redis nor the outbox. */
@Module({
  imports: [MongooseModule.forFeature([{ name: MESSAGES, schema: messageSchema }])],
  providers: [...USE_CASES, FindLostTexts, MessageDocuments, AllDocuments],
  exports: USE_CASES,
})
export class MessageBackupModule {}
