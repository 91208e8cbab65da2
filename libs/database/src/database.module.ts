import { Module, type DynamicModule, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { pause } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log, Trouble } from '@edgechat/platform/logging';
import { Postgres } from '@edgechat/platform/postgres';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source.js';
import { readSchemaState } from './schema-state.js';
import { SearchPostgres } from './search-postgres.js';

const RETRY_MS = 500;

/** PostgreSQL for a process that starts before it: connects in the background, again and again, and waits for the schema. */
@Module({})
export class DatabaseModule implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly ending = new AbortController();

  constructor(
    private readonly source: DataSource,
    private readonly postgres: Postgres,
    private readonly log: Log,
  ) {}

  static for(applicationName: string): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [Config, Log],
          useFactory: (config: Config, log: Log) => ({
            ...dataSourceOptions(config, log, applicationName),
            manualInitialization: true,
          }),
        }),
      ],
      providers: [Postgres, SearchPostgres],
      exports: [Postgres, SearchPostgres],
    };
  }

  onApplicationBootstrap(): void {
    void this.connect();
  }

  onApplicationShutdown(): void {
    this.ending.abort();
  }

  private async connect(): Promise<void> {
    const trouble = new Trouble(this.log, 'PostgreSQL cannot be used yet');
    while (!this.ending.signal.aborted) {
      const isReady = await this.tryOnce().catch((error: unknown) => {
        trouble.has(error);
        return false;
      });
      if (isReady) return this.postgres.begin();
      await pause(RETRY_MS, this.ending.signal);
    }
  }

  private async tryOnce(): Promise<boolean> {
    if (!this.source.isInitialized) await this.source.initialize();
    const state = await readSchemaState(this.postgres);
    if (state === 'too-new') {
      this.log.error('The schema needs a newer release of EdgeChat than this one. Deploy the newer release.');
      process.exit(1);
    }
    if (state === 'missing') this.log.info('The schema is not there yet. Waiting for the command `migrate`.');
    return state === 'usable';
  }
}
