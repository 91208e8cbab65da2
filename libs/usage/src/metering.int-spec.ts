import { createHash, randomInt } from 'node:crypto';
import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DatabaseModule, migrate } from '@edgechat/database';
import { accountId, Unavailable, type AccountId } from '@edgechat/kernel';
import { ConfigModule, loadConfig, type Config } from '@edgechat/platform/config';
import { Log, LoggingModule } from '@edgechat/platform/logging';
import { Postgres } from '@edgechat/platform/postgres';
import { ownDatabase } from '@edgechat/testing';
import { MeteringModule, RequestCounts, RequestMeter } from './index.js';

@Module({})
class ReplicaModule {
  static for(config: Config): DynamicModule {
    const imports = [
      ConfigModule.for(config),
      LoggingModule.for(new Log('test', config.logLevel)),
      DatabaseModule.for('test'),
      MeteringModule,
    ];
    return { module: ReplicaModule, imports };
  }
}

describe('the counting of requests', () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>;
  let config: Config;
  let one: INestApplicationContext;
  beforeAll(async () => {
    database = await ownDatabase();
    config = loadConfig({ DATABASE_URL: database.url, LOG_LEVEL: 'error' }, 'api');
    await migrate(config, new Log('test', 'error'));
    one = await aReplica();
  });
  afterAll(async () => {
    await one?.close();
    await database.drop();
  });

  const aReplica = async (): Promise<INestApplicationContext> => {
    const replica = await NestFactory.createApplicationContext(ReplicaModule.for(config), { logger: false });
    while (!replica.get(Postgres, { strict: false }).hasStarted)
      await new Promise((resolve) => setTimeout(resolve, 10));
    return replica;
  };
  const anAccount = (): AccountId => accountId(randomInt(1, 2 ** 47));
  const usageOf = (account: AccountId): Promise<unknown> => one.get(RequestCounts).getRequestUsage(account);
  const sql = (text: string, ...values: unknown[]): Promise<object[]> =>
    one
      .get(Postgres, { strict: false })
      .query({ name: `test ${createHash('md5').update(text).digest('hex')}`, text }, values);
  const aMeter = (counts: RequestCounts): RequestMeter => new RequestMeter(counts, new Log('test', 'error'));

  it('shows a request within a second', async () => {
    const account = anAccount();
    for (let n = 0; n < 3; n += 1) one.get(RequestMeter).count(account);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await usageOf(account)).toEqual({ total: 3, last24h: 3, last7d: 3 });
  });

  it('is 0 for an account that made none', async () => {
    expect(await usageOf(anAccount())).toEqual({ total: 0, last24h: 0, last7d: 0 });
  });

  it('adds up what many replicas count of the same accounts at once', async () => {
    const accounts = Array.from({ length: 50 }, anAccount);
    const meters = Array.from({ length: 4 }, () => aMeter(one.get(RequestCounts)));
    for (let round = 0; round < 5; round += 1) {
      for (const meter of meters) for (const account of accounts) meter.count(account);
      await Promise.all(meters.map((meter) => meter.flush()));
    }
    for (const account of accounts) expect(await usageOf(account)).toEqual({ total: 20, last24h: 20, last7d: 20 });
  });

  it('loses none at a normal stop', async () => {
    const account = anAccount();
    const replica = await aReplica();
    const meter = replica.get(RequestMeter);
    meter.count(account);
    const flushing = meter.flush();
    for (let n = 0; n < 99; n += 1) meter.count(account);
    await replica.close();
    await flushing;
    expect(await usageOf(account)).toMatchObject({ total: 100 });
  });

  it('counts once when the answer to a write was lost', async () => {
    const account = anAccount();
    class AnswersLost extends RequestCounts {
      override async add(...batch: Parameters<RequestCounts['add']>): Promise<void> {
        await super.add(...batch);
        throw new Unavailable('postgres');
      }
    }
    const meter = aMeter(new AnswersLost(one.get(Postgres, { strict: false })));
    meter.count(account);
    await expect(meter.flush()).rejects.toThrow(Unavailable);
    meter.count(account);
    await meter.flush();
    expect(await usageOf(account)).toMatchObject({ total: 1 });
  });

  it('tries again what was not written', async () => {
    const account = anAccount();
    const meter = aMeter(one.get(RequestCounts));
    await sql('alter table edgechat.request_totals rename to away');
    meter.count(account);
    await expect(meter.flush()).rejects.toThrow();
    await expect(meter.flush()).rejects.toThrow();
    meter.count(account);
    await sql('alter table edgechat.away rename to request_totals');
    await meter.flush();
    await meter.flush();
    expect(await usageOf(account)).toEqual({ total: 2, last24h: 2, last7d: 2 });
  });

  it('knows the fate of a transaction, and holds one that the server never had for not written', async () => {
    const [current] = await sql('select pg_current_xact_id()::text as xid');
    expect(await one.get(RequestCounts).isCommitted(String(Object.values(current ?? {})[0]))).toBe(true);
    expect(await one.get(RequestCounts).isCommitted('18446744073709551000')).toBe(false);
  });

  it('has windows that are exact to one minute', async () => {
    const account = anAccount();
    const put = (age: string, requests: number): Promise<unknown> =>
      sql(
        `insert into edgechat.request_counts values ($1::bigint, date_trunc('minute', clock_timestamp()) - $2::text::interval, $3::int)`,
        account,
        age,
        requests,
      );
    await put('23 hours 59 minutes', 1);
    await put('24 hours 1 minute', 10);
    await put('6 days 23 hours 59 minutes', 100);
    await put('7 days 1 minute', 1_000);
    expect(await usageOf(account)).toEqual({ total: 0, last24h: 1, last7d: 111 });
  });

  it('throws away buckets that no window needs, of the accounts at hand', async () => {
    const [mine, idle] = [anAccount(), anAccount()];
    for (const account of [mine, idle])
      await sql(
        `insert into edgechat.request_counts values ($1::bigint, clock_timestamp() - interval '9 days', 5)`,
        account,
      );
    const meter = aMeter(one.get(RequestCounts));
    meter.count(mine);
    await meter.flush();
    expect(await sql('select requests from edgechat.request_counts where account_id = $1::bigint', mine)).toEqual([
      { requests: 1 },
    ]);
    expect(await sql('select requests from edgechat.request_counts where account_id = $1::bigint', idle)).toEqual([
      { requests: 5 },
    ]);
  });
});
