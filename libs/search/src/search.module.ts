import { Module } from '@nestjs/common';
import { ConversationsModule } from '@edgechat/conversations';
import { OutboxModule } from '@edgechat/platform/outbox';
import { DailyUseModule } from '@edgechat/usage';
import { SearchMessages } from './queries/search-messages.js';
import { IndexMessages } from './use-cases/index-messages.js';

/** For who asks. */
@Module({ imports: [ConversationsModule], providers: [SearchMessages], exports: [SearchMessages] })
export class SearchModule {}

/** For who keeps the index. */
@Module({
  imports: [ConversationsModule, OutboxModule, DailyUseModule],
  providers: [IndexMessages],
  exports: [IndexMessages],
})
export class SearchIndexModule {}
