import { Module } from '@nestjs/common';
import { ConversationCheckModule } from '@edgechat/conversations';
import { OutboxModule } from '@edgechat/platform/outbox';
import { DailyUseModule } from '@edgechat/usage';
import { IndexMessages } from './use-cases/index-messages.js';
import { RebuildSearch } from './use-cases/rebuild-search.js';

/** For the operator's command, which needs PostgreSQL and MongoDB only. */
@Module({
  imports: [ConversationCheckModule, OutboxModule, DailyUseModule],
  providers: [IndexMessages, RebuildSearch],
  exports: [RebuildSearch],
})
export class SearchRebuildModule {}
