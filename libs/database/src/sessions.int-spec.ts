import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { ownDatabase, sql } from '@edgechat/testing';
import { DataSource } from 'typeorm';
import { dataSourceOptions, MIGRATIONS } from './data-source.js';
import { migrate } from './migrate.js';
import { Sessions1795651200000 } from './migrations/1795651200000-sessions.js';

const [FULL, BYSTANDER] = [7, 8];

describe('the migration to sessions that end', () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>;
  const run = (text: string, values: unknown[] = []) => sql<Record<string, unknown>>(database.url, text, values);
  const open = 'revoked_at is null and expires_at > clock_timestamp()';
  beforeAll(async () => {
    database = await ownDatabase();
    const [config, log] = [loadConfig({ DATABASE_URL: database.url }, 'worker'), new Log('test', 'silent')];
    await run('create schema edgechat');
    const source = await new DataSource({
      ...dataSourceOptions(config, log, 'test'),
      migrations: MIGRATIONS.slice(0, MIGRATIONS.indexOf(Sessions1795651200000)),
    }).initialize();
    await source.runMigrations();
    await source.destroy();
    await run(
      `insert into edgechat.accounts (id, email, email_key, password_hash) overriding system value
       select n, n::text, n::text, '' from unnest($1::int[]) n`,
      [[FULL, BYSTANDER]],
    );
    // One is used each hour; the two oldest of those that are open are one too many each. Two are over already, and count for nothing.
    await run(
      `insert into edgechat.sessions (id, account_id, generation, token_hash, rotated_at, expires_at, created_at, revoked_at)
       select gen_random_uuid(), $1, n, '\\x00', now() - n * interval '1 hour', now() + interval '1 day', now() - interval '30 days', case when n <= 2 then now() end
       from generate_series(1, 54) n`,
      [FULL],
    );
    await run(
      `insert into edgechat.sessions (id, account_id, generation, token_hash, rotated_at, expires_at)
       values (gen_random_uuid(), $1, 1, '\\x00', now() - interval '6 days', now() + interval '1 day')`,
      [BYSTANDER],
    );
    await migrate(config, log);
  });
  afterAll(() => database.drop());

  it('leaves an account its 50 sessions that were used last, and others theirs', async () => {
    expect(
      await run(`select generation from edgechat.sessions where account_id = $1 and ${open}`, [BYSTANDER]),
    ).toEqual([{ generation: 1 }]);
    const left = await run(
      `select count(*)::int as n, min(generation) as newest, max(generation) as oldest from edgechat.sessions where account_id = $1 and ${open}`,
      [FULL],
    );
    expect(left).toEqual([{ n: 50, newest: 3, oldest: 52 }]);
    expect(await run('select count(*)::int as n from edgechat.sessions where revoked_at is not null')).toEqual([
      { n: 2 },
    ]);
  });

  it('knows of no session whether an access token of it was used', async () => {
    expect(
      await run(
        'select count(*)::int as n from edgechat.sessions where coalesce(unused_generation, 0) <> 0 or used_at is not null',
      ),
    ).toEqual([{ n: 0 }]);
  });

  it('lets the release before begin and refresh sessions, of which nothing is known either', async () => {
    const [{ id } = {}] = await run(
      `insert into edgechat.sessions (id, account_id, generation, token_hash, rotated_at, expires_at)
       select gen_random_uuid(), id, 1, '\\x00', clock_timestamp(), clock_timestamp() + make_interval(days => 7) from edgechat.accounts where id = $1
       returning id`,
      [BYSTANDER],
    );
    await run('update edgechat.sessions set unused_generation = 1 where id = $1', [id]);
    await run(
      `update edgechat.sessions set generation = generation + 1, previous_hash = token_hash, token_hash = '\\x01', rotated_at = clock_timestamp() where id = $1`,
      [id],
    );
    expect(
      await run(
        'select coalesce(unused_generation = generation, false) as is_unused from edgechat.sessions where id = $1',
        [id],
      ),
    ).toEqual([{ is_unused: false }]);
  });
});
