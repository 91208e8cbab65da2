import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEngine, startEngines, type Engine } from '../../../tools/local-stack/engines.mjs';
import { appEnvOf, REDIS_USER } from '../../../tools/local-stack/app-users.mjs';

/** Stores that belong to one test file. */
export interface OwnStores {
  /** The stores as their owner logs in, for a test's own statements. */
  readonly env: Readonly<Record<'DATABASE_URL' | 'MONGODB_URL' | 'REDIS_URL', string>>;
  /** The variables of processes, which log in to PostgreSQL and Redis as users who may do no more than they need; MIGRATE_DATABASE_URL is for `migrate` alone. */
  readonly appEnv: ReturnType<typeof appEnvOf>;
  /** The engine is this test's own: it may be flushed, hung and killed. */
  readonly redis: Engine;
  close(): Promise<void>;
}

export interface OwnEngines extends OwnStores {
  readonly postgres: Engine;
  readonly mongo: Engine;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgechat-stores-'));
  chmodSync(folder, 0o755); // PostgreSQL may run as another user, who has to get in
  return folder;
}

/** A PostgreSQL database of a test's own. */
export interface OwnDatabase {
  readonly url: string;
  /** A role of the database's own, for `migrate` to make: roles belong to the whole server. It goes with the database. */
  readonly appRole: string;
  drop(): Promise<void>;
}

/** A PostgreSQL database of the test's own on the engine of the run; not migrated. */
export async function ownDatabase(env: NodeJS.ProcessEnv = process.env): Promise<OwnDatabase> {
  const server = env['TEST_DATABASE_URL'];
  if (!server) throw new Error('No engines: run this test by `npm test -- <file>`.');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await sql(server, `create database ${name}`);
  return {
    url: withDatabase(server, name),
    appRole: `${name}_app`,
    drop: async () => {
      await sql(server, `drop database ${name} with (force)`);
      await sql(server, `drop role if exists ${name}_app`);
    },
  };
}

/**
 * A database and a MongoDB database of the test's own on the engines of the run, and a Redis of its own, since signals and `FLUSHALL` know no databases.
 * @throws Error with what to do when the run has no engines
 */
export async function ownStores(env: NodeJS.ProcessEnv = process.env): Promise<OwnStores> {
  const { TEST_MONGODB_URL: mongodbUrl } = env;
  if (!mongodbUrl) throw new Error('No engines: run this test by `npm test -- <file>`.');

  const database = await ownDatabase(env);
  const folder = temporaryFolder();
  const redis = await startEngine('redis', { dataDir: folder, temporary: true, guard: true, redisUser: REDIS_USER });
  const mongo = withDatabase(mongodbUrl, `test_${randomBytes(6).toString('hex')}`);
  const own = { DATABASE_URL: database.url, MONGODB_URL: mongo, REDIS_URL: redis.url };
  return {
    env: own,
    appEnv: appEnvOf(own, database.appRole),
    redis,
    close: async () => {
      await redis.kill();
      rmSync(folder, { recursive: true, force: true });
      await database.drop();
    },
  };
}

/** Three engines of the test's own, to be hung, killed and restarted. Takes some seconds. */
export async function ownEngines(): Promise<OwnEngines> {
  const folder = temporaryFolder();
  const engines = await startEngines({ dataDir: folder, temporary: true, guard: true, redisUser: REDIS_USER });
  return {
    ...engines,
    appEnv: appEnvOf(engines.env),
    close: async () => {
      for (const engine of [engines.postgres, engines.mongo, engines.redis]) engine.resume();
      await engines.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

/** Runs SQL of a test on a connection of its own, and gives the rows. */
export async function sql<Row extends pg.QueryResultRow>(
  databaseUrl: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
