import type { INestApplicationContext } from '@nestjs/common';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { eventually } from '@edgechat/testing';
import {
  Authenticator,
  ChangePassword,
  LogIn,
  RefreshSession,
  RegisterAccount,
  type Email,
  type TokenPair,
} from './index.js';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';
import { SecurityEventRows } from './events/security-event-rows.js';
import { LockAccount } from './use-cases/lock-account.js';

const PASSWORD = 'a fine old password 7';
const HERE = '192.0.2.9';

const LOCK_ROW: Statement = {
  name: 'lock-in-a-test',
  text: 'update edgechat.accounts set locked_at = clock_timestamp() where email_key = $1::text',
};
const WAITING = `
  select 1 from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into edgechat.sessions%'`;

describe('a locked account', () => {
  let database: TestDatabase;
  let one: INestApplicationContext;
  let other: INestApplicationContext;
  let accounts: LockAccount;
  beforeAll(async () => {
    database = await aDatabase(process.env);
    [one, other] = await Promise.all([aReplica(database.env), aReplica(database.env)]);
    accounts = new LockAccount(one.get(Postgres, { strict: false }), one.get(SecurityEventRows, { strict: false }));
  });
  afterAll(async () => {
    await Promise.all([one?.close(), other?.close()]);
    await database?.drop();
  });

  const register = (email: Email): Promise<TokenPair> =>
    one.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey: HERE });
  const logIn = (email: Email, password = PASSWORD, at = one): Promise<TokenPair> =>
    at.get(LogIn).execute({ email, password, addressKey: HERE });
  const refresh = ({ refreshToken }: TokenPair, at = one): Promise<TokenPair> =>
    at.get(RefreshSession).execute(refreshToken);
  const callerOf = ({ accessToken }: TokenPair, at = one) => at.get(Authenticator).authenticate(accessToken);

  it('has no session that goes on, also where the release before began one after the lock', async () => {
    const email = anEmail();
    const tokens = await register(email);
    await sqlOf(one)(
      'update edgechat.accounts set locked_at = clock_timestamp() where email_key = $1::text',
      email.key,
    );
    await expect(refresh(tokens)).rejects.toMatchObject({ code: 'bad_refresh_token' });
    await accounts.unlock(email);
    await refresh(tokens);
  });

  it('has no session any more, on any replica within 5 s, and begins none until it is open again; others go on', async () => {
    const [email, neighbour] = [anEmail(), anEmail()];
    const [first, theirs] = [await register(email), await register(neighbour)];
    const second = await logIn(email, PASSWORD, other);

    expect(await accounts.lock(email)).toBe(2);

    for (const tokens of [first, second]) {
      for (const at of [one, other]) {
        await expect(refresh(tokens, at)).rejects.toMatchObject({ code: 'bad_refresh_token' });
        await eventually(() => expect(callerOf(tokens, at)).rejects.toMatchObject({ code: 'unauthorized' }), {
          withinMs: 5_000,
        });
      }
    }
    await expect(logIn(email)).rejects.toMatchObject({ code: 'account_locked' });
    await callerOf(theirs);
    await refresh(theirs);
    await logIn(neighbour);

    expect(await accounts.unlock(email)).toBe(true);
    await callerOf(await logIn(email, PASSWORD, other), other);
    await expect(refresh(first)).rejects.toMatchObject({ code: 'bad_refresh_token' });
  });

  it('is told only to who knows the password; a wrong one counts, a right one does not', async () => {
    const email = anEmail();
    await register(email);
    await accounts.lock(email);
    for (let n = 0; n < 12; n += 1) await expect(logIn(email)).rejects.toMatchObject({ code: 'account_locked' });
    await expect(logIn(email, 'wrong')).rejects.toMatchObject({
      code: 'bad_credentials',
      detail: 'Invalid email or password',
    });
  });

  it('has no session left of logins that came at the same moment', async () => {
    for (let n = 0; n < 5; n += 1) {
      const email = anEmail();
      await register(email);
      const logins = Array.from({ length: 6 }, (_, i) => logIn(email, PASSWORD, i % 2 === 0 ? one : other));
      await logins[n];
      await accounts.lock(email);
      await Promise.allSettled(logins);
      expect(await openSessionsOf(email)).toBe(0);
    }
  });

  it('begins no session by a login that verified the password before the lock', async () => {
    const email = anEmail();
    await register(email);
    let login: Promise<string> = Promise.resolve('');
    await one.get(Postgres, { strict: false }).transaction(async (sql) => {
      await sql.query(LOCK_ROW, [email.key]);
      login = logIn(email, PASSWORD, other).then(
        () => 'in',
        ({ code }) => code,
      );
      // It has read the account as it was, and waits for its row.
      await eventually(async () => (await sqlOf(one)(WAITING)).length > 0);
    });
    expect(await login).toBe('account_locked');
    expect(await openSessionsOf(email)).toBe(1); // of the registration: what locks here ends none
  });

  it('sets no password by a token that a replica still takes', async () => {
    const email = anEmail();
    const caller = await callerOf(await register(email));
    await accounts.lock(email);
    await expect(
      one
        .get(ChangePassword)
        .execute(caller, { oldPassword: PASSWORD, newPassword: 'another fine password 8', addressKey: HERE }),
    ).rejects.toMatchObject({ code: 'unauthorized' });
    await accounts.unlock(email);
    await logIn(email);
  });

  it('may be locked again, and opened when it was open; an address without an account is none', async () => {
    const email = anEmail();
    await register(email);
    expect([await accounts.lock(email), await accounts.lock(email)]).toEqual([1, 0]);
    expect([await accounts.unlock(email), await accounts.unlock(email)]).toEqual([true, true]);
    expect([await accounts.lock(anEmail()), await accounts.unlock(anEmail())]).toEqual([null, false]);
  });

  const openSessionsOf = async ({ key }: Email): Promise<number> =>
    (
      await sqlOf(one)(
        'select 1 from edgechat.sessions s join edgechat.accounts a on a.id = s.account_id where a.email_key = $1::text and s.revoked_at is null',
        key,
      )
    ).length;
});
