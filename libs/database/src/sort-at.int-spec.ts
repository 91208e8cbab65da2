import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { ownDatabase, sql } from '@edgechat/testing';
import { DataSource } from 'typeorm';
import { dataSourceOptions, MIGRATIONS } from './data-source.js';
import { migrate } from './migrate.js';
import { SortAt1795737600000 } from './migrations/1795737600000-sort-at.js';

describe('the migration that orders inboxes by sort_at', () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>;
  const run = <Row extends object = Record<string, unknown>>(text: string, values: unknown[] = []) =>
    sql<Row>(database.url, text, values);
  const idOf = (n: number): string => `019ab4c2-7d1e-7b3a-9c55-${String(n).padStart(12, '0')}`;
  const makeGroup = (n: number, ...others: number[]) =>
    run(
      `select * from edgechat.make_conversation($1, 1, 'group', null, 'off', null, 'h', $2::bigint[], 3, 500, 100, null)`,
      [idOf(n), others],
    );
  const wrong = () =>
    run(
      `select i.conversation_id, i.account_id from edgechat.inbox i join edgechat.members m using (conversation_id, account_id) join edgechat.conversations c on c.id = i.conversation_id
       where i.ordered_at <> case when c.is_large then '-infinity' else greatest(c.updated_at, m.joined_at) end`,
    );

  beforeAll(async () => {
    database = await ownDatabase();
    const [config, log] = [loadConfig({ DATABASE_URL: database.url }, 'worker'), new Log('test', 'silent')];
    await run('create schema edgechat');
    const source = await new DataSource({
      ...dataSourceOptions(config, log, 'test'),
      migrations: MIGRATIONS.slice(0, MIGRATIONS.indexOf(SortAt1795737600000)),
    }).initialize();
    await source.runMigrations();
    await source.destroy();
    await run(
      `insert into edgechat.accounts (id, email, email_key, password_hash) select n, n::text, n::text, '' from generate_series(1, 9) n`,
    );
    await makeGroup(1, 2);
    await makeGroup(2, 2, 3, 4);
    // More than a batch, of which some were added later, and some have got a message since.
    await run(
      `with made as (insert into edgechat.conversations (id, kind, assistant, member_count, created_at, updated_at)
         select gen_random_uuid(), 'group', 'off', 2, '2026-01-01', '2026-01-02'::timestamptz + n * interval '1 s' from generate_series(1, 6000) n returning id, updated_at),
       joined as (insert into edgechat.members (conversation_id, account_id, role, joined_at)
         select id, a, 'member', case a when 1 then '2026-01-01' else '2026-01-02 01:00:00'::timestamptz end from made, generate_series(1, 2) a)
       insert into edgechat.inbox select a, id, updated_at from made, generate_series(1, 2) a`,
    );
    expect((await wrong()).length).toBeGreaterThan(3_000);

    await migrate(config, log);
  }, 60_000);
  afterAll(() => database.drop());

  it('puts what is there at its place, and what is ordered on reading stays so', async () => {
    expect(await wrong()).toEqual([]);
    expect(
      await run(
        `select count(*)::int as n from edgechat.inbox where conversation_id = $1 and ordered_at = '-infinity'`,
        [idOf(2)],
      ),
    ).toEqual([{ n: 4 }]);
  });

  it('puts what is made and joined from then on at its place, by whichever release', async () => {
    await makeGroup(3, 2);
    await makeGroup(4, 2, 3, 4);
    await run(
      `with joined as (insert into edgechat.members (conversation_id, account_id, role, joined_at) select $1::uuid, a, 'member', clock_timestamp() from generate_series(5, 9) a)
       insert into edgechat.inbox select a, id, updated_at from edgechat.conversations, generate_series(5, 9) a where id = $1::uuid`,
      [idOf(3)],
    );
    expect(await wrong()).toEqual([]);
  });
});
