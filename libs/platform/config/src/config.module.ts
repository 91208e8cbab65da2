import { Module, type DynamicModule } from '@nestjs/common';
import { Config } from './config.js';

/** Gives the whole process its one `Config`. */
@Module({})
export class ConfigModule {
  static for(config: Config): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: Config, useValue: config }],
      exports: [Config],
    };
  }
}
