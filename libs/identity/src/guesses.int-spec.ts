import type { INestApplicationContext } from '@nestjs/common';
import { Refusal } from '@edgechat/kernel';
import { Authenticator, ChangePassword, LogIn, RegisterAccount, type Email, type TokenPair } from './index.js';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';

const HOME = '198.51.100.7';
const PASSWORD = 'correct horse battery';

describe('guesses of passwords', () => {
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
  const anAddress = (): string => `2001:db8:0:${(addresses += 1).toString(16)}::/64`;
  const register = async (addressKey = HOME, at = one): Promise<Email> => {
    const email = anEmail();
    await at.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey });
    return email;
  };
  const logIn = (email: Email, password: string, addressKey: string, at = one): Promise<TokenPair> =>
    at.get(LogIn).execute({ email, password, addressKey });
  const guess = async (email: Email, addressKey: string, at = one): Promise<string> =>
    codeOf(logIn(email, 'wrong', addressKey, at));

  it('are 10 for an account name, also when 200 come at once through two replicas, and then cost no hashing', async () => {
    const email = await register();
    const codes = await Promise.all(
      Array.from({ length: 200 }, (_, n) => guess(email, anAddress(), n % 2 === 0 ? one : other)),
    );
    expect(codes.filter((code) => code === 'bad_credentials')).toHaveLength(10);
    expect(codes.filter((code) => code === 'too_many_logins')).toHaveLength(190);

    const refusal = await logIn(email, PASSWORD, anAddress(), other).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect((refusal as Refusal).options.retryAfterS).toBeGreaterThan(14 * 60);
    expect((refusal as Refusal).options.retryAfterS).toBeLessThanOrEqual(15 * 60);
  });

  it('are 10 for a name that no account has', async () => {
    const nobody = anEmail('nobody');
    const codes = await Promise.all(Array.from({ length: 12 }, () => guess(nobody, anAddress())));
    expect(codes.filter((code) => code === 'bad_credentials')).toHaveLength(10);
  });

  it('are 50 from an address, whatever the names', async () => {
    const address = anAddress();
    const codes = await Promise.all(
      Array.from({ length: 60 }, (_, n) => guess(anEmail(), address, n % 2 === 0 ? one : other)),
    );
    expect(codes.filter((code) => code === 'bad_credentials')).toHaveLength(50);
    expect(await guess(anEmail(), anAddress())).toBe('bad_credentials');
  });

  it('of strangers do not lock the owner out, who logged in from here before', async () => {
    const email = await register();
    for (let n = 0; n < 10; n += 1) await guess(email, anAddress());
    expect(await codeOf(logIn(email, PASSWORD, anAddress()))).toBe('too_many_logins');
    await logIn(email, PASSWORD, HOME);
  });

  it("from an owner's address are counted by themselves: 10, and they do not touch the counter of the name", async () => {
    const email = await register();
    for (let n = 0; n < 10; n += 1) expect(await guess(email, HOME)).toBe('bad_credentials');
    expect(await codeOf(logIn(email, PASSWORD, HOME))).toBe('too_many_logins');
    await logIn(email, PASSWORD, anAddress());
  });

  it("from an address where the owner was 31 days ago are a stranger's", async () => {
    const email = await register();
    await sqlOf(one)(
      `update edgechat.login_addresses set last_login_at = last_login_at - interval '31 days' where account_id = (select id from edgechat.accounts where email_key = $1::text)`,
      email.key,
    );
    for (let n = 0; n < 10; n += 1) await guess(email, anAddress());
    expect(await codeOf(logIn(email, PASSWORD, HOME))).toBe('too_many_logins');
  });

  it('are failures only: right passwords are not counted', async () => {
    const email = await register();
    const address = anAddress();
    for (let n = 0; n < 8; n += 1) await guess(email, address);
    for (let n = 0; n < 12; n += 1) await logIn(email, PASSWORD, anAddress());
    expect(await guess(email, address)).toBe('bad_credentials');
    expect(await guess(email, address)).toBe('bad_credentials');
    expect(await guess(email, address)).toBe('too_many_logins');
  });

  it('are made by a wrong old password too', async () => {
    const email = anEmail();
    const tokens = await one.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey: HOME });
    const caller = await one.get(Authenticator).authenticate(tokens.accessToken);
    const change = (oldPassword: string): Promise<void> =>
      one.get(ChangePassword).execute(caller, { oldPassword, newPassword: 'staple correct', addressKey: HOME });
    for (let n = 0; n < 10; n += 1) expect(await codeOf(change('wrong'))).toBe('wrong_password');
    expect(await codeOf(change(PASSWORD))).toBe('too_many_logins');
  });

  it('are limited in each process while Redis is away', async () => {
    const lonely = await aReplica({ ...database.env, REDIS_URL: 'redis://127.0.0.1:1/0' }, 'away');
    const email = await register(HOME, lonely);
    const codes = await Promise.all(Array.from({ length: 30 }, () => guess(email, anAddress(), lonely)));
    expect(codes.filter((code) => code === 'bad_credentials')).toHaveLength(10);
    expect(codes.filter((code) => code === 'too_many_logins')).toHaveLength(20);
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

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
