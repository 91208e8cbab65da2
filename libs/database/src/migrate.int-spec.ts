import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { ownDatabase, sql } from '@edgechat/testing';
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
