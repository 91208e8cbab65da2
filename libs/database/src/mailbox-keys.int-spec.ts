import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { ownDatabase, sql } from '@edgechat/testing';
import { DataSource } from 'typeorm';
import { dataSourceOptions, MIGRATIONS } from './data-source.js';
import { migrate } from './migrate.js';
import { EmailKeys1795651500000 } from './migrations/1795651500000-email-keys.js';

const log = new Log('test', 'silent');
let database: Awaited<ReturnType<typeof ownDatabase>>;
beforeEach(async () => {
  database = await ownDatabase();
});
afterEach(() => database.drop());

const config = () => loadConfig({ DATABASE_URL: database.url }, 'worker');
const keysOf = async (): Promise<Record<string, [string | null, string | null]>> => {
  const rows = await sql<{ email_key: string; mailbox_key: string | null; shared_mailbox_key: string | null }>(
    database.url,
    'select email_key, mailbox_key, shared_mailbox_key from edgechat.accounts order by id',
  );
  return Object.fromEntries(rows.map((row) => [row.email_key, [row.mailbox_key, row.shared_mailbox_key]]));
};
const add = (...keys: string[]): Promise<unknown> =>
  sql(
    database.url,
    `insert into edgechat.accounts (email, email_key, password_hash) select k, k, '' from unnest($1::text[]) k`,
    [keys],
  );

/** The schema of the release before, with accounts in it. */
async function beforeWith(...keys: string[]): Promise<void> {
  const migrations = MIGRATIONS.slice(0, MIGRATIONS.indexOf(EmailKeys1795651500000));
  const source = new DataSource({ ...dataSourceOptions(config(), log, 'test'), migrations });
  await source.initialize();
  await source.query('create schema if not exists edgechat');
  await source.runMigrations();
  await source.destroy();
  await add(...keys);
}

describe('keys of mailboxes', () => {
  it('are filled in by the migration for all that may have another mailbox than their key says, and for nobody else', async () => {
    await beforeWith(
      'a@example.com',
      'a@bücher.example',
      'b@xn--bcher-kva.example',
      'c@ｗide.example',
      'd@xn--a.example',
      'jörg@example.com',
    );

    await migrate(config(), log);

    expect(await keysOf()).toEqual({
      'a@example.com': [null, null],
      'a@bücher.example': ['a@xn--bcher-kva.example', null],
      'b@xn--bcher-kva.example': ['b@xn--bcher-kva.example', null],
      'c@ｗide.example': ['c@wide.example', null],
      'd@xn--a.example': ['d@xn--a.example', null],
      'jörg@example.com': ['jörg@example.com', null],
    });
    expect(await sql(database.url, 'select * from edgechat.accounts_without_mailbox_key')).toEqual([]);
  });

  it('are shared where two would be equal, and nobody else notices', async () => {
    await beforeWith(
      'a@bücher.example',
      'b@bücher.example',
      'a@xn--bcher-kva.example',
      'a@ｂücher.example',
      'c@example.com',
      'c@ｅxample.com',
    );

    await migrate(config(), log);
    await migrate(config(), log);

    const [books, example] = ['a@xn--bcher-kva.example', 'c@example.com'];
    expect(await keysOf()).toEqual({
      'a@bücher.example': [null, books],
      'b@bücher.example': ['b@xn--bcher-kva.example', null],
      'a@xn--bcher-kva.example': [null, books],
      'a@ｂücher.example': [null, books],
      'c@example.com': [null, example],
      'c@ｅxample.com': [null, example],
    });
    expect(
      await sql(
        database.url,
        'select account_id::int, other_account_id::int from edgechat.accounts_of_one_mailbox order by 1, 2',
      ),
    ).toEqual([
      { account_id: 1, other_account_id: 3 },
      { account_id: 1, other_account_id: 4 },
      { account_id: 5, other_account_id: 6 },
    ]);
  });

  it('are filled in batch after batch, whatever the batches part, and later for what the release before adds', async () => {
    const many = Array.from({ length: 2_100 }, (_, n) => `${n}@bücher.example`);
    await beforeWith(...many, '0@xn--bcher-kva.example', '1@ｂücher.example');

    await migrate(config(), log);

    const [{ filled, shared }] = (await sql<{ filled: number; shared: number }>(
      database.url,
      'select count(mailbox_key)::int as filled, count(shared_mailbox_key)::int as shared from edgechat.accounts',
    )) as [{ filled: number; shared: number }];
    expect([filled, shared]).toEqual([2_098, 4]);

    await add('late@bücher.example', '2@xn--bcher-kva.example');
    await migrate(config(), log);
    const keys = await keysOf();
    expect([keys['late@bücher.example'], keys['2@bücher.example'], keys['2@xn--bcher-kva.example']]).toEqual([
      ['late@xn--bcher-kva.example', null],
      [null, '2@xn--bcher-kva.example'],
      [null, '2@xn--bcher-kva.example'],
    ]);
  });
});
