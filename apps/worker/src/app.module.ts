import { Module, type DynamicModule } from '@nestjs/common';
import { AssistantWorkerModule } from '@edgechat/assistant/worker';
import { ConversationsModule } from '@edgechat/conversations';
import { DatabaseModule } from '@edgechat/database';
import { ConfigModule, type Config } from '@edgechat/platform/config';
import { HealthModule } from '@edgechat/platform/health';
import { LoggingModule, type Log } from '@edgechat/platform/logging';
import { MongoModule } from '@edgechat/platform/mongo';
import { OutboxModule } from '@edgechat/platform/outbox';
import { QueueModule } from '@edgechat/platform/queue';
import { RedisModule } from '@edgechat/platform/redis';
import { SearchIndexModule } from '@edgechat/search';
import { UseCases } from './handlers.js';
import { HealthServer } from './health-server.js';
import { Relay } from './relay.js';
import { Work } from './work.js';

/** The worker: jobs in, nothing out. */
@Module({})
export class AppModule {
  static for(config: Config, log: Log): DynamicModule {
    const platform = [
      ConfigModule.for(config),
      LoggingModule.for(log),
      DatabaseModule.for('edgechat-worker'),
      MongoModule.forRoot(),
      RedisModule,
      QueueModule,
      OutboxModule,
      HealthModule,
    ];
    return {
      module: AppModule,
      imports: [...platform, ConversationsModule, AssistantWorkerModule, SearchIndexModule],
      providers: [UseCases, Relay, Work, HealthServer],
    };
  }
}
