import { randomInt } from 'node:crypto';
import type { Config } from '@edgechat/platform/config';
import pg from 'pg';
import { ownerUrl } from './logins.js';
import { refuseReadOnly } from './role-settings.js';

const LOGIN_WITHIN_MS = 5_000;
const KEYS = 2 ** 47;

/**
 * Logs in as the processes do, and reads. Advisory locks belong to one database: a lock that the owner holds, and that the other login can take, shows that the two are not in the same one.
 * @throws Error with a sentence when both URLs lead to different databases; what the driver throws when one of them leads nowhere
 */
export async function tryAppLogin(config: Config): Promise<void> {
  const key = randomInt(KEYS); // nobody else has it, also not another `migrate` in the other database
  await withClient(ownerUrl(config), async (owner) => {
    await owner.query('select pg_advisory_lock($1)', [key]);
    await withClient(config.databaseUrl, async (app) => {
      const taken = await app.query<{ isFree: boolean }>('select pg_try_advisory_xact_lock($1) as "isFree"', [key]);
      if (taken.rows[0]?.isFree === true)
        throw new Error('DATABASE_URL and MIGRATE_DATABASE_URL lead to different databases.');
      await refuseReadOnly(app);
    });
  });
}

async function withClient(connectionString: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: LOGIN_WITHIN_MS,
    query_timeout: LOGIN_WITHIN_MS,
  });
  client.on('error', () => undefined); // each call reports its own failure
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end();
  }
}
