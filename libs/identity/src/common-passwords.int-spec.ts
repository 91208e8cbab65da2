import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { INestApplicationContext } from '@nestjs/common';
import { Refusal } from '@edgechat/kernel';
import { storeCallsOf } from '@edgechat/testing';
import { hash } from '@node-rs/argon2';
import { foldPassword } from './domain/guessable.js';
import { Authenticator, ChangePassword, LogIn, RegisterAccount, type Email } from './index.js';
import { commonPasswords } from './passwords/common-passwords.js';
import { hashPassword } from './passwords/passwords.js';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';

const HERE = '192.0.2.7';
const GOOD = 'a fine old password 7';
const COMMON = [
  'password',
  '12345678',
  'PassWord',
  'ｐａｓｓｗｏｒｄ',
  ' password ',
  'aaaaaaaa',
  '        ',
  'edgechat',
  'dalmatio',
];

describe('a password that anybody guesses first', () => {
  let database: TestDatabase;
  let one: INestApplicationContext;
  beforeAll(async () => {
    database = await aDatabase(process.env);
    one = await aReplica({ ...database.env, APP_NAME: 'Our Place' });
  });
  afterAll(async () => {
    await one?.close();
    await database?.drop();
  });

  const register = (email: Email, password: string) =>
    one.get(RegisterAccount).execute({ email, password, addressKey: HERE });
  const logIn = (email: Email, password: string) => one.get(LogIn).execute({ email, password, addressKey: HERE });
  const give = async (email: Email, passwordHash: string): Promise<unknown> =>
    sqlOf(one)(
      'update edgechat.accounts set password_hash = $2::text where email_key = $1::text',
      email.key,
      passwordHash,
    );

  it.each([...COMMON, 'our place', 'OurPlace2026'])('makes no account: %j', async (password) => {
    const email = anEmail();
    await expect(register(email, password)).rejects.toMatchObject(tooCommon('password'));
    await expect(register(email, GOOD)).resolves.toBeDefined();
  });

  it('is the local part and the address too, whoever else has it as a password', async () => {
    const email = anEmail();
    const [local = ''] = email.address.split('@');
    for (const password of [local, local.toUpperCase(), `${local}1!`, email.address])
      await expect(register(email, password)).rejects.toMatchObject(tooCommon('password'));
    await expect(register(anEmail('grace'), local)).resolves.toBeDefined();
  });

  it('replaces none, and is no guess at the old one', async () => {
    const email = anEmail();
    const tokens = await register(email, GOOD);
    const caller = await one.get(Authenticator).authenticate(tokens.accessToken);
    const change = (oldPassword: string, newPassword: string) =>
      one.get(ChangePassword).execute(caller, { oldPassword, newPassword, addressKey: HERE });

    for (let n = 0; n < 12; n += 1)
      await expect(change('wrong', 'password123')).rejects.toMatchObject(tooCommon('new_password'));
    await expect(change(GOOD, email.address)).rejects.toMatchObject(tooCommon('new_password'));
    await expect(logIn(email, GOOD)).resolves.toBeDefined();
    await expect(change(GOOD, 'another fine password')).resolves.toBeUndefined();
  });

  it('that was set before still logs in', async () => {
    const email = anEmail();
    await register(email, GOOD);
    await give(email, await hashPassword('password'));
    await expect(logIn(email, 'password')).resolves.toBeDefined();
  });

  it('is one of the 10,000 most frequent of at least 8 characters in the list that is shipped', async () => {
    const file = createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/src/passwords.json');
    const long = (JSON.parse(readFileSync(file, 'utf8')) as string[]).filter((text) => text.length >= 8);
    const common = await commonPasswords();

    expect(common.size).toBe(10_000);
    expect([...common].filter((text) => foldPassword(text) !== text)).toEqual([]);
    expect([long[0], common.has('password'), common.has(long[9_999] ?? ''), common.has(long[10_000] ?? '')]).toEqual([
      'password',
      true,
      true,
      false,
    ]);
    expect(await commonPasswords()).toBe(common);
  });
});

describe('a password with an accent', () => {
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

  const [COMPOSED, SPELLED] = ['noël à la crème', 'noe\u0308l\u00a0a\u0300\u3000la cre\u0300me'];
  const register = (email: Email, password: string) =>
    one.get(RegisterAccount).execute({ email, password, addressKey: HERE });
  const logIn = (email: Email, password: string, addressKey = HERE) =>
    one.get(LogIn).execute({ email, password, addressKey });
  const codeOf = async (work: Promise<unknown>): Promise<string> => {
    try {
      await work;
      return 'ok';
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
  };

  it.each([
    ['composed', COMPOSED],
    ['spelled out, with other blanks', SPELLED],
  ])('logs in from every keyboard, registered %s', async (_, password) => {
    const email = anEmail();
    await register(email, password);
    for (const typed of [COMPOSED, SPELLED]) expect(await codeOf(logIn(email, typed))).toBe('ok');
    expect(await codeOf(logIn(email, 'noel a la creme'))).toBe('bad_credentials');
  });

  it('changes and is changed from every keyboard', async () => {
    const email = anEmail();
    const { accessToken } = await register(email, COMPOSED);
    const caller = await one.get(Authenticator).authenticate(accessToken);
    const next = 'cafe\u0301 au lait, grand';
    await one.get(ChangePassword).execute(caller, { oldPassword: SPELLED, newPassword: next, addressKey: HERE });
    expect(await codeOf(logIn(email, 'café au lait, grand'))).toBe('ok');
  });

  it('of an account from before logs in as it was typed then, once, and from every keyboard afterwards', async () => {
    const email = anEmail();
    await register(email, COMPOSED);
    const raw = await hash(SPELLED, { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    await sqlOf(one)(
      'update edgechat.accounts set password_hash = $2::text where email_key = $1::text',
      email.key,
      raw,
    );

    expect(await codeOf(logIn(email, COMPOSED, '198.51.100.8'))).toBe('bad_credentials');
    expect(await codeOf(logIn(email, SPELLED))).toBe('ok');
    for (const typed of [COMPOSED, SPELLED]) expect(await codeOf(logIn(email, typed))).toBe('ok');
  });

  it('is one guess, of an account as of a name that nobody has', async () => {
    const [email, nobody] = [anEmail(), anEmail('nobody')];
    await register(email, COMPOSED);
    const countsOf = async (name: Email, password: string, from: string): Promise<string[]> => {
      const guess = async (): Promise<void> =>
        expect(await codeOf(logIn(name, password, from))).toBe('bad_credentials');
      return (await storeCallsOf(guess)).filter((call) => call.startsWith('redis '));
    };

    const once = await countsOf(nobody, 'in one form', '198.51.100.7');
    expect(once).not.toEqual([]);
    for (const name of [email, nobody]) expect(await countsOf(name, `${SPELLED} in two`, '198.51.100.9')).toEqual(once);
  });
});

const tooCommon = (field: string) => ({
  code: 'password_too_common',
  detail: expect.stringMatching(/^(new_)?password is among the first that anybody guesses: .+\. Choose another, .+\.$/),
  options: { errors: [expect.objectContaining({ field: `/${field}`, code: 'too_common' })] },
});
