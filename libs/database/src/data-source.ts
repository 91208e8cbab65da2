import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { Config } from '@edgechat/platform/config';
import type { Log } from '@edgechat/platform/logging';
import pg from 'pg';
import { First1795478400000 } from './migrations/1795478400000-first.js';
import { ManyPeople1795521600000, OweSearch1795521700000 } from './migrations/1795521600000-many-people.js';
import { BoundedWork1795564800000 } from './migrations/1795564800000-bounded-work.js';
import { SearchCasts1795608000000 } from './migrations/1795608000000-search-casts.js';
import { Sessions1795651200000 } from './migrations/1795651200000-sessions.js';
import { Doors1795651300000 } from './migrations/1795651300000-doors.js';
import { SecurityEvents1795651400000 } from './migrations/1795651400000-security-events.js';
import { EmailKeys1795651500000 } from './migrations/1795651500000-email-keys.js';
import { Strangers1795651600000 } from './migrations/1795651600000-strangers.js';
import { Failures1795694400000 } from './migrations/1795694400000-failures.js';
import { SortAt1795737600000, SortMembers1795737700000 } from './migrations/1795737600000-sort-at.js';

/** In the order they run. */
export const MIGRATIONS = [
  First1795478400000,
  ManyPeople1795521600000,
  OweSearch1795521700000,
  BoundedWork1795564800000,
  SearchCasts1795608000000,
  Sessions1795651200000,
  Doors1795651300000,
  SecurityEvents1795651400000,
  EmailKeys1795651500000,
  Strangers1795651600000,
  Failures1795694400000,
  SortAt1795737600000,
  SortMembers1795737700000,
];

/**
 * Every statement has an index to go by. A table that was small when a plan was made and kept (the outbox mostly is) must not be walked whole when it has grown.
 * (Without JIT: a scan that cannot be avoided looks so costly then that compiling it would take longer than it.)
 */
export const SESSION_OPTIONS = '-c enable_seqscan=off -c jit=off';

/** How this process reaches PostgreSQL: a bounded pool whose connections the server itself cuts off when they idle in a transaction. */
export function dataSourceOptions(config: Config, log: Log, applicationName: string): PostgresDataSourceOptions {
  return {
    type: 'postgres',
    driver: pg,
    url: config.databaseUrl,
    schema: 'edgechat',
    applicationName,
    migrations: MIGRATIONS,
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    poolErrorHandler: (error: unknown) => log.warn('an idle connection to PostgreSQL broke', { error }),
    extra: {
      max: config.databasePoolMax,
      connectionTimeoutMillis: 2_000,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      options: SESSION_OPTIONS,
      statement_timeout: 4_500,
      lock_timeout: 3_000,
      idle_in_transaction_session_timeout: 10_000,
    },
  };
}
