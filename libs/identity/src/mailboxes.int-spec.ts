import { randomBytes } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { migrate } from '@edgechat/database';
import { Refusal, type AccountId } from '@edgechat/kernel';
import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Postgres } from '@edgechat/platform/postgres';
import { parseEmail, type Email } from './domain/email.js';
import { AccountQueries, Authenticator, LogIn, RegisterAccount } from './index.js';
import { SecurityEventRows } from './events/security-event-rows.js';
import { HashingSlots } from './passwords/hashing-slots.js';
import { PasswordRules } from './passwords/password-rules.js';
import { hashPassword } from './passwords/passwords.js';
import { aDatabase, aReplica, sqlOf, type TestDatabase } from './test-identity.js';
import { SetPassword } from './use-cases/set-password.js';

const HERE = '192.0.2.9';
const PASSWORD = 'a fine old password 7';
const IDN = 'bücher.example';
const ASCII = 'xn--bcher-kva.example';
const WIDE = 'ｂücher.example';

describe('an e-mail address', () => {
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

  const aLocal = (): string => `ada.${randomBytes(6).toString('hex')}`;
  const at = (local: string, domain: string): Email => {
    const email = parseEmail(`${local}@${domain}`);
    if (email === null) throw new Error('no address');
    return email;
  };
  const register = (email: Email, replica = one) =>
    replica.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey: HERE });
  const idBy = (email: Email, password = PASSWORD): Promise<AccountId | string> =>
    codeOf(
      one
        .get(LogIn)
        .execute({ email, password, addressKey: HERE })
        .then(({ accessToken }) => one.get(Authenticator).authenticate(accessToken))
        .then(({ accountId }) => accountId),
    );
  const found = async (email: Email): Promise<AccountId | null> =>
    (await one.get(AccountQueries).findByEmail(email))?.id ?? null;
  const taken = { code: 'email_taken' };
  /** An account as the release before makes it: it knows `email_key` alone. */
  const ofReleaseBefore = async (email: Email, password = PASSWORD): Promise<AccountId> => {
    const [row] = await sqlOf(one)<{ id: AccountId }>(
      'insert into edgechat.accounts (email, email_key, password_hash) values ($1::text, $2::text, $3::text) returning id',
      email.address,
      email.key,
      await hashPassword(password),
    );
    if (!row) throw new Error('not made');
    return row.id;
  };
  const migrateAgain = (): Promise<unknown> => migrate(loadConfig(database.env, 'worker'), new Log('test', 'silent'));
  const isListed = async (...ids: readonly unknown[]): Promise<boolean> => {
    const pairs = await sqlOf(one)<{ account_id: number; other_account_id: number }>(
      'select account_id, other_account_id from edgechat.accounts_of_one_mailbox',
    );
    return pairs.some((pair) => ids.includes(pair.account_id) && ids.includes(pair.other_account_id));
  };

  it.each([
    [IDN, ASCII],
    [ASCII, IDN],
    [IDN, WIDE],
    [WIDE, ASCII],
    ['ｅxample.com', 'EXAMPLE.com'],
    ['example.com', 'ｅxample.com'],
    ['STRAẞE.example', 'xn--strae-oqa.example'],
  ])('is one account in the spellings %s and %s', async (registered, typed) => {
    const local = aLocal();
    await register(at(local, registered));
    await expect(register(at(local, typed), other)).rejects.toMatchObject(taken);

    const id = await idBy(at(local, registered));
    expect(id).toEqual(expect.any(Number));
    expect([await idBy(at(local, typed)), await found(at(local, registered)), await found(at(local, typed))]).toEqual([
      id,
      id,
      id,
    ]);
    // A bystander: the same name at another domain.
    await expect(register(at(local, 'xn--strae-oqa.example.org'))).resolves.toBeDefined();
    expect(await idBy(at(local, 'bucher.example'))).toBe('bad_credentials');
  });

  it('in full-width letters is the same one', async () => {
    const local = aLocal();
    await register(at(`ｘ${local}`, 'example.com'));
    await expect(register(at(`X${local}`, 'example.com'))).rejects.toMatchObject(taken);
    expect(await found(at(`x${local}`, 'example.com'))).not.toBeNull();
  });

  it('is one account of registrations in all spellings at once, on two replicas', async () => {
    const local = aLocal();
    const results = await Promise.allSettled(
      [IDN, ASCII, WIDE, IDN].map((domain, n) => register(at(local, domain), n % 2 === 0 ? one : other)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(taken);
  });

  it('of an account from before is refolded by the migration, and logs in meanwhile as before', async () => {
    const local = aLocal();
    const id = await ofReleaseBefore(at(local, IDN));
    expect(await idBy(at(local, IDN))).toBe(id);

    await migrateAgain();

    for (const domain of [IDN, ASCII, WIDE]) expect(await idBy(at(local, domain))).toBe(id);
    await expect(register(at(local, ASCII))).rejects.toMatchObject(taken);
    expect(await sqlOf(one)('select email_key from edgechat.accounts where id = $1::bigint', id)).toEqual([
      { email_key: `${local}@${IDN}` },
    ]);
  });

  it('of two accounts from before stays theirs: each logs in by its own spelling, nobody gets a third, and they are listed', async () => {
    const local = aLocal();
    const wide = await ofReleaseBefore(at(local, WIDE), 'the password of the wide');
    const ascii = await ofReleaseBefore(at(local, ASCII), 'the password of the ascii');
    expect(await isListed(wide, ascii)).toBe(false);

    await migrateAgain();
    await migrateAgain();

    expect([
      await idBy(at(local, WIDE), 'the password of the wide'),
      await idBy(at(local, ASCII), 'the password of the ascii'),
      await found(at(local, WIDE)),
      await found(at(local, ASCII)),
      await found(at(local, IDN)),
    ]).toEqual([wide, ascii, wide, ascii, null]);
    for (const domain of [IDN, ASCII, WIDE, WIDE.toUpperCase()])
      await expect(register(at(local, domain))).rejects.toMatchObject(taken);
    expect(await isListed(wide, ascii)).toBe(true);
  });

  it('that the release before registers once more during the upgrade stays two accounts, and is listed', async () => {
    const local = aLocal();
    await register(at(local, IDN));
    const first = await idBy(at(local, IDN));
    const second = await ofReleaseBefore(at(local, ASCII), 'the password of the second');
    expect([await idBy(at(local, IDN)), await idBy(at(local, ASCII), 'the password of the second')]).toEqual([
      first,
      second,
    ]);

    await migrateAgain();

    expect([await idBy(at(local, IDN)), await idBy(at(local, ASCII), 'the password of the second')]).toEqual([
      first,
      second,
    ]);
    expect(await isListed(first, second)).toBe(true);
  });

  it('is guessed at no more often in several spellings than in one', async () => {
    const refusals = async (domains: readonly string[]): Promise<unknown[]> => {
      const local = aLocal();
      await register(at(local, IDN));
      const codes = [];
      for (let n = 0; n < 15; n += 1) {
        const email = at(local, domains[n % domains.length] ?? IDN);
        codes.push(await codeOf(one.get(LogIn).execute({ email, password: 'wrong', addressKey: `198.51.100.${n}` })));
      }
      return codes;
    };
    expect(await refusals([IDN, ASCII, WIDE])).toEqual(await refusals([IDN]));
  });

  it('is found in every spelling by the operator who sets its password', async () => {
    const local = aLocal();
    await register(at(local, IDN));
    const inject = <T>(type: abstract new (...args: never[]) => T): T => one.get(type, { strict: false });
    const passwords = new SetPassword(
      inject(Postgres),
      inject(HashingSlots),
      inject(PasswordRules),
      inject(SecurityEventRows),
    );
    expect(await passwords.isKnown(at(local, WIDE))).toBe(true);
    expect(await passwords.execute(at(local, ASCII), 'one that the operator set')).toBe(1);
    expect(await idBy(at(local, WIDE), 'one that the operator set')).toEqual(expect.any(Number));
  });
});

async function codeOf<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
