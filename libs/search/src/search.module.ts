import { Module } from '@nestjs/common';
import { ConversationsModule } from '@edgechat/conversations';
import { IndexMessages } from './use-cases/index-messages.js';

@Module({ imports: [ConversationsModule], providers: [IndexMessages], exports: [IndexMessages] })
export class SearchModule {}
