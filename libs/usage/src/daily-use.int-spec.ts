import { randomInt } from 'node:crypto';
import { accountId, type AccountId } from '@edgechat/kernel';
import { loadConfig, type Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Postgres } from '@edgechat/platform/postgres';
import { eventually, inProcess, ownStores, sql, storeCallsOf, type OwnStores } from '@edgechat/testing';
import type { INestApplicationContext } from '@nestjs/common';
import { DailyUse } from './daily-use.js';
import { DailyUseModule } from './daily-use.module.js';
import { DailyUses } from './daily-uses.js';

const LIMITED = { TEXT_MB_PER_DAY: '1', AI_TOKENS_PER_DAY: '1000' };
let stores: OwnStores;
let one: INestApplicationContext;
beforeAll(async () => {
  stores = await ownStores();
  one = await aProcess();
});
afterAll(async () => {
  await one?.close();
  await stores.close();
});

const aProcess = (env: Readonly<Record<string, string>> = LIMITED): Promise<INestApplicationContext> =>
  inProcess(stores, [DailyUseModule], env);
/** Counts of a process whose timer does not write: the test does. */
const aUse = (uses = new DailyUses(one.get(Postgres, { strict: false }))): DailyUse =>
  new DailyUse(uses, loadConfig(LIMITED, 'worker'), new Log('test', 'silent'));
const run = (text: string, ...values: unknown[]): Promise<object[]> => sql(stores.env.DATABASE_URL, text, values);
async function anAccount(age = '2 days'): Promise<AccountId> {
  const name = String(randomInt(2 ** 47));
  const [row] = await sql<{ id: string }>(
    stores.env.DATABASE_URL,
    `insert into edgechat.accounts (email, email_key, password_hash, created_at) values ($1, $1, '', clock_timestamp() - $2::interval) returning id`,
    [name, age],
  );
  return accountId(Number(row?.id));
}
const written = (account: AccountId): Promise<object[]> =>
  run(
    'select text_bytes::int, tokens::int from edgechat.daily_use where account_id = $1 and day = (clock_timestamp() at time zone $2)::date',
    account,
    'UTC',
  );

describe('what an account used in a day', () => {
  it('is written by a timer, and pending until then', async () => {
    const account = await anAccount();
    const use = one.get(DailyUse);
    use.countText(account, 5);
    use.countText(account, 6);
    use.countTokens(account, 7);

    expect(use.pendingOf(account)).toEqual({ textBytes: 11, tokens: 7 });
    await eventually(() => use.pendingOf(account).textBytes === 0);
    expect(await written(account)).toEqual([{ text_bytes: 11, tokens: 7 }]);
  });

  it('is pending while it is being written, and in one statement for all accounts', async () => {
    const accounts = [await anAccount(), await anAccount(), await anAccount()];
    const use = aUse();
    for (const account of accounts) use.countText(account, 5);

    const flushing = use.flush();
    use.countText(accounts[0]!, 1);
    expect(use.pendingOf(accounts[0]!)).toEqual({ textBytes: 6, tokens: 0 });
    expect(use.writesSoFar).toBeNull();
    await flushing;

    expect(use.pendingOf(accounts[0]!)).toEqual({ textBytes: 1, tokens: 0 });
    expect(use.writesSoFar).toBe(1);
    expect(await Promise.all(accounts.map(written))).toEqual(accounts.map(() => [{ text_bytes: 5, tokens: 0 }]));
  });

  it('is what many processes count of the same accounts at once: none waits for another in a circle', async () => {
    const accounts = await Promise.all(Array.from({ length: 50 }, () => anAccount()));
    const uses = Array.from({ length: 4 }, () => aUse());
    for (let round = 0; round < 10; round += 1) {
      uses.forEach((use, n) => (n % 2 ? accounts : accounts.toReversed()).forEach((id) => use.countText(id, 1)));
      await Promise.all(uses.map((use) => use.flush()));
    }
    expect(await Promise.all(accounts.map(written))).toEqual(accounts.map(() => [{ text_bytes: 40, tokens: 0 }]));
  });

  it('is not lost at a normal stop', async () => {
    const account = await anAccount();
    const stopping = await aProcess();
    stopping.get(DailyUse).countText(account, 8);
    await stopping.close();
    expect(await written(account)).toEqual([{ text_bytes: 8, tokens: 0 }]);
  });

  it('is kept and tried again where it could not be written', async () => {
    const account = await anAccount();
    const use = aUse();
    await run('alter table edgechat.daily_use rename to away');
    use.countText(account, 1);
    await expect(use.flush()).rejects.toThrow();
    use.countText(account, 2);
    await expect(use.flush()).rejects.toThrow();
    expect(use.pendingOf(account)).toEqual({ textBytes: 3, tokens: 0 });
    await run('alter table edgechat.away rename to daily_use');
    await use.flush();
    await use.flush();
    expect(await written(account)).toEqual([{ text_bytes: 3, tokens: 0 }]);
  });

  it('of other days is another count, and old days go in passing, of the accounts at hand', async () => {
    const [mine, idle] = [await anAccount(), await anAccount()];
    for (const account of [mine, idle])
      await run(
        `insert into edgechat.daily_use select $1::bigint, (clock_timestamp() at time zone 'UTC')::date - age, 9, 9 from unnest('{1,7,8}'::int[]) age`,
        account,
      );
    const use = aUse();
    use.countText(mine, 1);
    await use.flush();
    const days = (account: AccountId): Promise<object[]> =>
      run('select text_bytes::int from edgechat.daily_use where account_id = $1 order by day', account);
    expect(await days(mine)).toEqual([{ text_bytes: 9 }, { text_bytes: 9 }, { text_bytes: 1 }]);
    expect(await days(idle)).toEqual([{ text_bytes: 9 }, { text_bytes: 9 }, { text_bytes: 9 }]);
  });

  it('is not counted, and nothing is asked of PostgreSQL, where nothing is limited', async () => {
    const account = await anAccount();
    const unlimited = await aProcess({ TEXT_MB_PER_DAY: 'unlimited', AI_TOKENS_PER_DAY: 'unlimited' });
    const use = unlimited.get(DailyUse);
    const calls = await storeCallsOf(async () => {
      use.countText(account, 5);
      use.countTokens(account, 5);
      expect(await use.findTokensRetry(account)).toBeNull();
    });
    expect([calls, use.findLimits(), use.pendingOf(account)]).toEqual([[], null, { textBytes: 0, tokens: 0 }]);
    await unlimited.close();
    expect(await written(account)).toEqual([]);
  });
});

describe('the tokens of a day', () => {
  const toMidnight = (): number => 86_400 - ((Date.now() / 1_000) % 86_400);

  it('are used up when as many were used as are allowed, until midnight UTC', async () => {
    const account = await anAccount();
    const use = aUse();
    use.countTokens(account, 999);
    expect(await use.findTokensRetry(account)).toBeNull();
    use.countTokens(account, 1);
    expect(Math.abs(Number(await use.findTokensRetry(account)) - toMidnight())).toBeLessThan(60);
    await use.flush();
    expect(await use.getUse(account)).toMatchObject({ textBytes: 0, tokens: 1_000, retryAfterS: expect.any(Number) });
  });

  it('are a tenth in the first hour of an account, and all of them after it', async () => {
    const [young, old] = [await anAccount('50 minutes'), await anAccount('61 minutes')];
    const use = aUse();
    use.countTokens(young, 99);
    expect(await use.findTokensRetry(young)).toBeNull();
    for (const account of [young, old]) use.countTokens(account, 100);

    const retry = Number(await use.findTokensRetry(young));
    expect(retry).toBeGreaterThan(0);
    expect(retry).toBeLessThanOrEqual(600);
    expect(await use.findTokensRetry(old)).toBeNull();
  });

  it('are judged again where a write under way may have been counted twice', async () => {
    const account = await anAccount();
    class Slow extends DailyUses {
      override async add(...batch: Parameters<DailyUses['add']>): Promise<void> {
        await super.add(...batch);
        // It is in PostgreSQL, and this process does not know it yet.
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    const use = aUse(new Slow(one.get(Postgres, { strict: false })));
    use.countTokens(account, 600);
    const flushing = use.flush();
    while ((await written(account)).length === 0);

    expect(await use.findTokensRetry(account)).toBeNull();
    await flushing;
  });

  it.each([
    ['0', '2 days'],
    ['9', '50 minutes'],
  ])('of which there are %s let nobody through who registered %s ago', async (limit, age) => {
    const account = await anAccount(age);
    const config: Config = loadConfig({ AI_TOKENS_PER_DAY: limit }, 'worker');
    const use = new DailyUse(new DailyUses(one.get(Postgres, { strict: false })), config, new Log('test', 'silent'));
    expect(await use.findTokensRetry(account)).toEqual(expect.any(Number));
  });
});
