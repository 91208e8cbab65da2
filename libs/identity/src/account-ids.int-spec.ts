import type { INestApplicationContext } from '@nestjs/common';
import { eventually } from '@edgechat/testing';
import pg from 'pg';
import { AccountQueries, Authenticator, RegisterAccount } from './index.js';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';

let database: TestDatabase;
let one: INestApplicationContext;
beforeAll(async () => {
  database = await aDatabase(process.env);
  one = await aReplica(database.env);
});
afterAll(async () => {
  await one?.close();
  await database?.drop();
});

/** As every release makes accounts: without an id. */
const make = async (count: number): Promise<number[]> =>
  (
    await sqlOf(one)<{ id: number }>(
      `insert into edgechat.accounts (email, email_key, password_hash) select e, e, '' from (select gen_random_uuid()::text as e from generate_series(1, $1::int)) n returning id`,
      count,
    )
  ).map(({ id }) => id);
const register = async (): Promise<number> => {
  const tokens = await one
    .get(RegisterAccount)
    .execute({ email: anEmail(), password: 'a fine old password 7', addressKey: '192.0.2.1' });
  const { accountId } = await one.get(Authenticator).authenticate(tokens.accessToken);
  return (await one.get(AccountQueries).getMe(accountId)).id;
};

/** Has these ids drawn first, in this order, and then random ones. */
const drawFirst = async (...ids: number[]): Promise<void> => {
  await sqlOf(one)('create sequence if not exists public.draws');
  await sqlOf(one)(`select setval('public.draws', 1, false)`);
  await sqlOf(one)(
    `create or replace function edgechat.draw_account_id() returns bigint language sql volatile as $$
       select coalesce((array[${ids.join(', ')}]::bigint[])[nextval('public.draws')], 4294967296 + (random() * 1e15)::bigint) $$`,
  );
};

describe('the id of a new account', () => {
  it('is random, a whole number of 33 to 53 bits, and says nothing of how many there are', async () => {
    const ids = await make(2_000);

    expect(Math.min(...ids)).toBeGreaterThanOrEqual(2 ** 32);
    expect(Math.max(...ids)).toBeLessThan(2 ** 53);
    expect(new Set(ids).size).toBe(2_000);
    // Of 53 random bits each is set in about half of the ids: all of them vary.
    for (let bit = 0; bit < 53; bit += 1) {
      const set = ids.filter((id) => Math.floor(id / 2 ** bit) % 2 === 1).length;
      expect([bit, set > 700 && set < 1_300]).toEqual([bit, true]);
    }
    expect([...ids].sort((a, b) => a - b)).not.toEqual(ids);
  });

  it('is in the access token, and leads back to the account, up to the largest that there can be', async () => {
    await drawFirst(2 ** 53 - 1);
    expect(await register()).toBe(2 ** 53 - 1);
  });

  it('is drawn again where it is taken, or too small', async () => {
    const [taken = 0] = await make(1);
    await drawFirst(taken, 7, 2 ** 32 - 1, taken, 2 ** 40 + 1);
    expect(await make(1)).toEqual([2 ** 40 + 1]);
  });

  it('is drawn again where another register drew the same at once: both have an account', async () => {
    const both = 2 ** 41 + 1;
    const rival = new pg.Client(database.env['DATABASE_URL']);
    await rival.connect();
    await rival.query('begin');
    await rival.query(`insert into edgechat.accounts (id, email, email_key, password_hash) values ($1, 'r', 'r', '')`, [
      both,
    ]);
    await drawFirst(both, 2 ** 41 + 2);

    const registering = register();
    await eventually(
      async () =>
        (
          await sqlOf(one)(
            `select 1 as waits from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into edgechat.accounts%' and datname = current_database()`,
          )
        ).length === 1,
    );
    await rival.query('commit');
    await rival.end();

    expect(await registering).toBe(2 ** 41 + 2);
  });
});
