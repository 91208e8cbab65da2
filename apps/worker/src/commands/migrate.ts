import { MESSAGES, prepareMessages } from '@edgechat/conversations';
import { migrate, tryAppLogin as tryPostgresLogin } from '@edgechat/database';
import { pause } from '@edgechat/kernel';
import type { Config } from '@edgechat/platform/config';
import { reasonOf, Trouble, type Log } from '@edgechat/platform/logging';
import { databaseOf, hintAbout, makeAppUser, ownWords, tryAppLogin as tryMongoLogin } from '@edgechat/platform/mongo';
import { checkRedis } from '@edgechat/platform/redis';
import { mongoWarning, postgresWarning } from './login-warnings.js';
import { noWayHint } from './no-way-hint.js';

const PATIENCE_MS = 60_000;

/**
 * The command `migrate`: brings both stores up to this release, makes the logins of the processes where `migrate` has its own, and exits 0; waits up to a minute for a store that is still starting, then says which, and exits 1. Redis needs no migration and may be
 * away; one that is there and could never be used is told before anything is changed.
 */
export async function migrateStores(config: Config, log: Log): Promise<void> {
  // As process 1 of a container it would else not hear these signals. A migration under way is rolled back by PostgreSQL when the connection ends.
  process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1));
  await lookAtRedis(config, log);
  const names = await migratePostgres(config, log);
  await migrateMongo(config, log);
  log.info(names.length === 0 ? 'the schema is up to date' : 'the schema was brought up to date', {
    migrations: names,
  });
  process.exit(0);
}

async function migratePostgres(config: Config, log: Log): Promise<string[]> {
  const hasOwner = config.migrateDatabaseUrl !== undefined;
  const owner = hasOwner ? 'MIGRATE_DATABASE_URL' : 'DATABASE_URL';
  const names = await patiently(`PostgreSQL (${owner})`, log, () => migrate(config, log));
  if (hasOwner) await patiently('PostgreSQL (DATABASE_URL)', log, () => tryPostgresLogin(config));
  warn(postgresWarning(config), log);
  return names;
}

async function migrateMongo(config: Config, log: Log): Promise<void> {
  const { mongodbUrl, migrateMongodbUrl } = config;
  const owner = migrateMongodbUrl === undefined ? 'MONGODB_URL' : 'MIGRATE_MONGODB_URL';
  const ownerUrl = migrateMongodbUrl ?? mongodbUrl;
  const made = await patiently(`MongoDB (${owner})`, log, async () => {
    await prepareMessages(ownerUrl, databaseOf(mongodbUrl));
    return makeAppUser({ ownerUrl, appUrl: mongodbUrl, collections: [MESSAGES] });
  });
  warn(mongoWarning(config, made), log);
  if (migrateMongodbUrl !== undefined)
    await patiently('MongoDB (MONGODB_URL)', log, () => tryMongoLogin(mongodbUrl, MESSAGES));
}

function warn(sentence: string | null, log: Log): void {
  if (sentence !== null) log.warn(sentence);
}

async function lookAtRedis(config: Config, log: Log): Promise<void> {
  const check = await checkRedis(config.redisUrl);
  if (check.is === 'refused')
    fail(
      `${check.sentence}${check.sentence.endsWith('.') ? '' : '.'} Nothing was changed; mend it and run migrate again.`,
    );
  if (check.is !== 'away') return;
  if (check.hint === undefined) log.info('Redis cannot be reached now, and need not be', { reason: check.reason });
  else log.warn(`Redis (REDIS_URL) cannot be used. ${check.hint}`, { reason: check.reason });
}

async function patiently<T>(store: string, log: Log, work: () => Promise<T>): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  const trouble = new Trouble(log, `${store} cannot be used yet`);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const why = ownWords(error);
      if (Date.now() > until || !isAway(error))
        fail(
          `${store} could not be migrated: ${reasonOf(why).replace(/\.$/, '')}. Nothing is half done; mend it and run migrate again.${noWayHint(why)}`,
        );
      trouble.has(why, hintAbout(error));
      await pause(1_000);
    }
  }
}

function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** Errors of the network and of a server that starts pass; a bad password or a broken migration does not. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    /^(E[A-Z]+|57P03|08.{3})$/.test(code) ||
    /^Mongo(ose)?ServerSelectionError$/.test(error.name) ||
    error.message.includes('timeout')
  );
}
