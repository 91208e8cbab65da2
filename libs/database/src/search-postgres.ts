import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Postgres } from '@edgechat/platform/postgres';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { SESSION_OPTIONS } from './data-source.js';

const CONNECT_WITHIN_MS = 2_000;
const IDLE_MS = 60_000;

/**
 * PostgreSQL for searches: a few connections of their own, on which a statement has less time (`SEARCH_POOL_MAX`, `SEARCH_TIMEOUT_MS`). However many searches there are, and whatever they look for,
 * sends and pages have theirs. A connection is made when the first search comes.
 */
@Injectable()
export class SearchPostgres extends Postgres implements OnApplicationShutdown {
  private readonly pool: pg.Pool;

  constructor(@InjectDataSource() source: DataSource, config: Config, log: Log) {
    super(source);
    this.pool = new pg.Pool({
      connectionString: config.databaseUrl,
      application_name: 'edgechat-search',
      max: config.searchPoolMax,
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      idleTimeoutMillis: IDLE_MS,
      keepAlive: true,
      options: SESSION_OPTIONS,
      statement_timeout: config.searchTimeoutMs,
      lock_timeout: config.searchTimeoutMs,
    });
    this.pool.on('error', (error) => log.warn('an idle connection to PostgreSQL broke', { error }));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }

  protected override findPool(): pg.Pool {
    return this.pool;
  }
}
