import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { eventually, ownDatabase, sql } from '@edgechat/testing';
import pg from 'pg';
import { migrate } from './migrate.js';

const log = new Log('test', 'silent');
let database: Awaited<ReturnType<typeof ownDatabase>>;
beforeEach(async () => {
  database = await ownDatabase();
});
afterEach(() => database.drop());

const run = (): Promise<string[]> => migrate(loadConfig({ DATABASE_URL: database.url }, 'worker'), log);

describe('the command migrate', () => {
  it('may be run by many at once, and again: each migration is run once', async () => {
    const runs = await Promise.all([run(), run(), run(), run()]);

    expect(runs.flat()).toEqual([
      'First1795478400000',
      'ManyPeople1795521600000',
      'OweSearch1795521700000',
      'BoundedWork1795564800000',
      'SearchCasts1795608000000',
      'Sessions1795651200000',
      'Doors1795651300000',
      'SecurityEvents1795651400000',
      'EmailKeys1795651500000',
      'Strangers1795651600000',
      'Failures1795694400000',
      'SortAt1795737600000',
      'SortMembers1795737700000',
    ]);
    expect(await run()).toEqual([]);
  });

  it('waits while somebody else has its lock, and says once who', async () => {
    const told: (readonly [string, unknown])[] = [];
    class NotingLog extends Log {
      override warn(message: string, fields?: unknown): void {
        told.push([message, fields]);
      }
    }
    const holder = new pg.Client({ connectionString: database.url, application_name: 'edgechat-api' });
    await holder.connect();
    const { rows } = await holder.query<{ pid: number }>(
      'select pg_backend_pid() as pid, pg_advisory_lock(1162038135001)',
    );
    const tries = new Set<string>();
    const hasTriedAgain = async (): Promise<boolean> => {
      const asked = await sql<{ at: string }>(
        database.url,
        `select query_start::text as at from pg_stat_activity where application_name = 'edgechat-migrate' and datname = current_database()`,
      );
      for (const { at } of asked) tries.add(at);
      return tries.size > 3;
    };
    const config = loadConfig({ DATABASE_URL: database.url }, 'worker');
    let isDone = false;
    const done = migrate(config, new NotingLog('test', 'silent')).finally(() => (isDone = true));
    try {
      await eventually(hasTriedAgain);
      expect(isDone).toBe(false);
    } finally {
      await holder.end();
    }

    expect(await done).not.toEqual([]);
    expect(told).toEqual([
      [expect.stringContaining('waits'), { holderPid: rows[0]?.pid, holderApplication: 'edgechat-api' }],
    ]);
  });

  it('touches no table of others in the same database', async () => {
    await sql(database.url, 'create table public.accounts (theirs int)');

    await run();

    expect(await sql(database.url, 'select * from public.accounts')).toEqual([]);
  });

  it('refuses a schema that needs a newer release, in one sentence', async () => {
    await run();
    await sql(database.url, 'update edgechat.schema_info set oldest_release = 1000');

    await expect(run()).rejects.toThrow(
      'the schema needs a newer release of EdgeChat than this one; deploy the newer release',
    );
  });
});
