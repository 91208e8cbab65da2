import { Module, type DynamicModule } from '@nestjs/common';
import { DatabaseModule } from '@edgechat/database';
import { ConfigModule, type Config } from '@edgechat/platform/config';
import { HealthModule } from '@edgechat/platform/health';
import { LoggingModule, type Log } from '@edgechat/platform/logging';
import { MongoModule } from '@edgechat/platform/mongo';
import { QueueModule } from '@edgechat/platform/queue';
import { RedisModule } from '@edgechat/platform/redis';
import { AiModule } from './ai/ai.module.js';
import { AuthModule } from './auth/auth.module.js';
import { ChatModule } from './chat/chat.module.js';
import { HealthController, RootController } from './health/health.controller.js';
import { HttpModule } from './http/http.module.js';
import { SearchApiModule } from './search/search.module.js';
import { UsageModule } from './usage/usage.module.js';

/** The API process: the stores, the HTTP edge, and one module per group of calls. */
@Module({})
export class AppModule {
  static for(config: Config, log: Log): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.for(config),
        LoggingModule.for(log),
        DatabaseModule.for('edgechat-api'),
        MongoModule.forRoot(),
        RedisModule,
        QueueModule,
        HealthModule,
        HttpModule,
        AuthModule,
        UsageModule,
        ChatModule,
        AiModule,
        SearchApiModule,
      ],
      controllers: [RootController, HealthController],
    };
  }
}
