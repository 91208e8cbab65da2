import type { Config } from '@edgechat/platform/config';
import type { Log } from '@edgechat/platform/logging';
import { DataSource, type QueryRunner } from 'typeorm';
import { makeAppRole } from './app-role.js';
import { dataSourceOptions } from './data-source.js';
import { refuseUnfitDatabase } from './fitness.js';
import { ownerUrl } from './logins.js';
import { fillMailboxKeys } from './mailbox-keys.js';
import { lockMigrations } from './migration-lock.js';
import { RELEASE } from './schema-state.js';

/**
 * Brings the schema up to this release. Safe to run by many at once (they wait for each other) and again (then it does nothing); each migration is one transaction.
 * Then the role that the processes log in as is made, where they have one of their own. What SQL cannot fill in follows, in batches; each run also fills in what the release before has added since. Returns the names of the migrations that were run.
 * @throws Error when the schema needs a newer release, or the database is not in UTF8 or older than PostgreSQL 15: nothing was changed; what the driver throws when PostgreSQL cannot be reached
 */
export async function migrate(config: Config, log: Log): Promise<string[]> {
  // Two connections: one holds the lock, one migrates. A migration may take longer than a statement of the running system.
  const source = new DataSource({
    ...dataSourceOptions(config, log, 'edgechat-migrate'),
    url: ownerUrl(config),
    extra: { max: 2, connectionTimeoutMillis: 5_000 },
  });
  await source.initialize();
  const lock = source.createQueryRunner();
  try {
    await lockMigrations(lock, log);
    await refuseUnfitDatabase(lock);
    await refuseNewerSchema(lock);
    await lock.query('create schema if not exists edgechat');
    const done = await source.runMigrations();
    await makeAppRole(source, config);
    await fillMailboxKeys(source);
    return done.map((migration) => migration.name);
  } finally {
    await lock.release();
    await source.destroy();
  }
}

async function refuseNewerSchema(runner: QueryRunner): Promise<void> {
  if (onlyValue(await runner.query(`select to_regclass('edgechat.schema_info')`)) === null) return;
  const oldest = onlyValue(await runner.query('select oldest_release from edgechat.schema_info'));
  if (typeof oldest === 'number' && oldest > RELEASE)
    throw new Error('the schema needs a newer release of EdgeChat than this one; deploy the newer release');
}

/** The first value of the first row; null when there is none. */
function onlyValue(rows: unknown): unknown {
  const row: unknown = Array.isArray(rows) ? rows.at(0) : null;
  return typeof row === 'object' && row !== null ? Object.values(row)[0] : null;
}
