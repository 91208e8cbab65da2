import { Module, type DynamicModule } from '@nestjs/common';
import { Log } from './log.js';

/** Gives the whole process its one `Log`. */
@Module({})
export class LoggingModule {
  static for(log: Log): DynamicModule {
    return { module: LoggingModule, global: true, providers: [{ provide: Log, useValue: log }], exports: [Log] };
  }
}
