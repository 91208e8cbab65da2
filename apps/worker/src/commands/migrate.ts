import { prepareMessages } from '@edgechat/conversations';
import { migrate } from '@edgechat/database';
import { pause } from '@edgechat/kernel';
import type { Config } from '@edgechat/platform/config';
import type { Log } from '@edgechat/platform/logging';
import { databaseOf } from '@edgechat/platform/mongo';

const PATIENCE_MS = 60_000;

/** The command `migrate`: brings both stores up to this release and exits 0; waits up to a minute for a store that is still starting, then says which, and exits 1. */
export async function migrateStores(config: Config, log: Log): Promise<void> {
  // As process 1 of a container it would else not hear these signals. A migration under way is rolled back by PostgreSQL when the connection ends.
  process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1));
  const names = await patiently('PostgreSQL (DATABASE_URL)', log, () => migrate(config, log));
  await patiently('MongoDB (MONGODB_URL)', log, () =>
    prepareMessages(config.mongodbUrl, databaseOf(config.mongodbUrl)),
  );
  log.info(names.length === 0 ? 'the schema is up to date' : 'the schema was brought up to date', {
    migrations: names,
  });
  process.exit(0);
}

async function patiently<T>(store: string, log: Log, work: () => Promise<T>): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      log.warn('a store could not be migrated yet', { store, error });
      if (Date.now() > until || !isAway(error)) {
        process.stderr.write(
          `${store} could not be migrated: ${error instanceof Error ? error.message : 'unknown error'}. Nothing is half done; mend it and run migrate again.\n`,
        );
        process.exit(1);
      }
      await pause(1_000);
    }
  }
}

/** Errors of the network and of a server that starts pass; a bad password or a broken migration does not. */
function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    /^(E[A-Z]+|57P03|08.{3})$/.test(code) ||
    error.name === 'MongooseServerSelectionError' ||
    error.message.includes('timeout')
  );
}
