import type { INestApplicationContext } from '@nestjs/common';
import { Refusal, Unavailable } from '@edgechat/kernel';
import { Redis } from '@edgechat/platform/redis';
import { GUESSES_PER_DAY } from './domain/guess-limits.js';
import { Authenticator, ChangePassword, LogIn, RegisterAccount, type Email, type TokenPair } from './index.js';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';
import { pseudonym, SigningKeys } from './tokens/signing-keys.js';

const HOME = '198.51.100.7';
const PASSWORD = 'correct horse battery';
const MANY_HASHES_MS = 120_000;

let database: TestDatabase;
let one: INestApplicationContext;
let other: INestApplicationContext;
beforeAll(async () => {
  database = await aDatabase(process.env);
  [one, other] = await Promise.all([aReplica(database.env), aReplica(database.env)]);
});
afterAll(async () => {
  await Promise.all([one?.close(), other?.close()]);
  await database?.drop();
});

let addresses = 0;
/** Of a network of its own. */
const anAddress = (): string => `2001:db8:${(addresses += 1).toString(16)}:1::/64`;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const register = async (addressKey = HOME, at = one): Promise<Email> => {
  const email = anEmail();
  await at.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey });
  return email;
};
const logIn = (email: Email, password: string, addressKey: string, at = one): Promise<TokenPair> =>
  at.get(LogIn).execute({ email, password, addressKey });
const guess = async (email: Email, addressKey: string, at = one): Promise<string> =>
  codeOf(logIn(email, 'wrong', addressKey, at));

/** How a call ends: `ok`, its code, and for `too_many_logins` the seconds to wait. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    if (error instanceof Refusal)
      return error.code === 'too_many_logins' ? `wait ${error.options.retryAfterS}` : error.code;
    if (error instanceof Unavailable) return error.dependency;
    throw error;
  }
}
const count = (codes: readonly string[], begins: string): number =>
  codes.filter((code) => code.startsWith(begins)).length;

/** Where guesses are counted in Redis. */
async function keysOf(email: Email, addressKey: string, what = 'login') {
  const keys = await one.get(SigningKeys, { strict: false }).get();
  const name = pseudonym(keys, 'account-name', email.key).toString('base64url');
  const address = pseudonym(keys, 'address', addressKey).toString('base64url');
  const redis = one.get(Redis, { strict: false });
  return {
    redis: redis.client,
    pair: redis.key(`guesses:${what}:${name}:${address}`),
    day: redis.key(`guesses:${what}-day:${name}`),
  };
}
/** The delay of a name at an address is over. */
async function waited(email: Email, addressKey: string, what?: string): Promise<void> {
  const { redis, pair } = await keysOf(email, addressKey, what);
  await redis.hset(pair, 'waitUntil', 0);
}

describe('guesses of a password', () => {
  it('wait 1, 2, 4, 8 s after each failure of the name at the address; who fails twice gets in with the third', async () => {
    const email = await register();
    const address = anAddress();
    const waits: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      expect(await guess(email, address, n % 2 === 0 ? one : other)).toBe('bad_credentials');
      waits.push(await codeOf(logIn(email, PASSWORD, address, other)));
      await waited(email, address);
    }
    expect(waits).toEqual(['wait 1', 'wait 2', 'wait 4', 'wait 8']);

    await logIn(email, PASSWORD, address);
    expect([await guess(email, address), await guess(email, address)]).toEqual(['bad_credentials', 'wait 1']);
    await logIn(email, PASSWORD, anAddress());
  });

  it('are a few of 200 that come at once through two replicas, and then cost no hashing', async () => {
    for (const email of [await register(), anEmail('nobody')]) {
      const address = anAddress();
      const codes = await Promise.all(upTo(200).map((n) => guess(email, address, n % 2 === 0 ? one : other)));
      expect(count(codes, 'bad_credentials')).toBeLessThanOrEqual(5);
      expect(count(codes, 'bad_credentials') + count(codes, 'wait')).toBe(200);
    }
  });

  it(
    'are 100 on a day for a name from addresses that are new to it, at once too, whether it has an account or not; the owner gets in at a known one',
    async () => {
      for (const email of [await register(), anEmail('nobody')]) {
        const codes = await Promise.all(upTo(150).map((n) => guess(email, anAddress(), n % 2 === 0 ? one : other)));
        expect(count(codes, 'bad_credentials')).toBe(GUESSES_PER_DAY);

        const toMidnight = 86_400 - Math.floor((Date.now() / 1_000) % 86_400);
        const [, waitS] = (await codeOf(logIn(email, PASSWORD, anAddress(), other))).split('wait ');
        expect(Math.abs(Number(waitS) - toMidnight)).toBeLessThan(60);
        if (email.key.startsWith('ada')) await logIn(email, PASSWORD, HOME);
      }
    },
    MANY_HASHES_MS,
  );

  it('from an address are 50, whatever the names; who is known there gets in, and elsewhere nobody notices', async () => {
    const address = anAddress();
    const [known, stranger] = [await register(address), await register()];
    const codes = await Promise.all(upTo(60).map((n) => guess(anEmail(), address, n % 2 === 0 ? one : other)));
    expect([count(codes, 'bad_credentials'), count(codes, 'wait')]).toEqual([50, 10]);

    expect(await codeOf(logIn(stranger, PASSWORD, address))).toMatch(/^wait [1-9]\d\d$/);
    await logIn(known, PASSWORD, address);
    expect(await guess(anEmail(), anAddress())).toBe('bad_credentials');
  });

  it('at an address that the account is known at delay that account there alone, and count for nothing else', async () => {
    const email = await register();
    expect(await guess(email, HOME)).toBe('bad_credentials');
    expect(await codeOf(logIn(email, PASSWORD, HOME))).toBe('wait 1');
    const { redis, day } = await keysOf(email, HOME);
    expect(await redis.exists(day)).toBe(0);

    await logIn(email, PASSWORD, anAddress());
    await logIn(await register(), PASSWORD, HOME);
    await waited(email, HOME);
    await logIn(email, PASSWORD, HOME);
  });

  it("at an address where the owner was 31 days ago are a stranger's", async () => {
    const email = await register();
    const { redis, day } = await keysOf(email, HOME);
    await redis.set(day, GUESSES_PER_DAY, 'EX', 1_000);
    await logIn(email, PASSWORD, HOME);

    await sqlOf(one)(
      `update edgechat.login_addresses set last_login_at = last_login_at - interval '31 days' where account_id = (select id from edgechat.accounts where email_key = $1::text)`,
      email.key,
    );
    expect(await codeOf(logIn(email, PASSWORD, HOME))).toMatch(/^wait /);
  });

  it('are failures only: right passwords are not counted, however many come at once', async () => {
    const email = await register();
    const { redis, day } = await keysOf(email, HOME);
    for (let n = 0; n < 12; n += 1) await logIn(email, PASSWORD, anAddress());
    await Promise.all(upTo(12).map((n) => logIn(email, PASSWORD, HOME, n % 2 === 0 ? one : other)));
    expect(Number(await redis.get(day))).toBe(0);
  });

  it('by a wrong old password delay the next one of this account from there, and no login; strangers without a session delay none', async () => {
    const email = anEmail();
    const tokens = await one.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey: HOME });
    const caller = await one.get(Authenticator).authenticate(tokens.accessToken);
    const change = (oldPassword: string, addressKey = HOME): Promise<void> =>
      one.get(ChangePassword).execute(caller, { oldPassword, newPassword: 'staple correct battery', addressKey });
    const thief = anAddress();
    for (let n = 0; n < 3; n += 1) {
      expect(await codeOf(change('wrong', thief))).toBe('wrong_password');
      expect(await codeOf(change(PASSWORD, thief))).toBe(`wait ${2 ** n}`);
      await waited(email, thief, 'password');
    }
    await logIn(email, PASSWORD, thief);
    const { redis, day } = await keysOf(email, HOME);
    await redis.set(day, GUESSES_PER_DAY, 'EX', 1_000);
    await guess(email, HOME);
    expect(await codeOf(change(PASSWORD))).toBe('ok');
  });

  it('are limited in each process while Redis is away', async () => {
    const lonely = await aReplica({ ...database.env, REDIS_URL: 'redis://127.0.0.1:1/0' }, 'away');
    const email = await register(HOME, lonely);
    const address = anAddress();
    const codes = await Promise.all(upTo(30).map(() => guess(email, address, lonely)));
    expect(count(codes, 'bad_credentials')).toBeLessThanOrEqual(5);
    expect(count(codes, 'bad_credentials') + count(codes, 'wait')).toBe(30);
    await logIn(email, PASSWORD, HOME, lonely);
    await lonely.close();
  });

  it('leave no trace of an address, and an account has at most 100 known ones', async () => {
    const email = await register();
    await sqlOf(one)(
      `insert into edgechat.login_addresses (account_id, address_hash, last_login_at)
       select a.id, decode(md5(n::text), 'hex'), clock_timestamp() - make_interval(hours => n) from edgechat.accounts a, generate_series(1, 120) n where a.email_key = $1::text`,
      email.key,
    );
    await logIn(email, PASSWORD, '203.0.113.9');
    const rows = await sqlOf(one)<{ row: string; address_hash: Buffer }>(
      'select l::text as row, address_hash from edgechat.login_addresses l join edgechat.accounts a on a.id = l.account_id where a.email_key = $1::text',
      email.key,
    );
    expect(rows).toHaveLength(100);
    expect(rows.filter(({ address_hash }) => address_hash.length === 32)).toHaveLength(2);
    for (const { row, address_hash } of rows) expect(row + address_hash.toString()).not.toContain('203.0.113.9');
  });
});

describe('300 logins of unknown names at once', () => {
  it(
    'keep out neither who is known, also at their addresses, nor who logs in from elsewhere, nor who registers',
    async () => {
      const flooding = upTo(10).map(() => anAddress());
      const known = await Promise.all([register(), register(flooding[0])]);
      const ends: string[] = [];
      const noted = async (what: string, work: Promise<string>): Promise<string> => {
        const code = await work;
        ends.push(what);
        return code;
      };

      const flood = upTo(300).map((n) => noted('flood', guess(anEmail('nobody'), String(flooding[n % 10]))));
      const bystanders = [
        noted('known', codeOf(logIn(known[0], PASSWORD, HOME))),
        noted('known', codeOf(logIn(known[1], PASSWORD, String(flooding[0])))),
        noted('other', codeOf(logIn(known[0], PASSWORD, anAddress()))),
        noted('registration', codeOf(register(anAddress()))),
      ];
      const codes = await Promise.all(flood);

      expect(await Promise.all(bystanders)).toEqual(['ok', 'ok', 'ok', 'ok']);
      expect(count(codes, 'hashing')).toBeGreaterThan(0);
      expect(ends.lastIndexOf('flood')).toBeGreaterThan(ends.lastIndexOf('registration'));
    },
    MANY_HASHES_MS,
  );
});
