import type { INestApplicationContext } from '@nestjs/common';
import { Refusal, Unavailable } from '@edgechat/kernel';
import { hash as bcryptHash } from '@node-rs/bcrypt';
import { decodeJwt, SignJWT } from 'jose';
import {
  AccountQueries,
  Authenticator,
  ChangePassword,
  LogIn,
  LogOut,
  RefreshSession,
  RegisterAccount,
  UpdateProfile,
} from './index.js';
import type { Caller, TokenPair } from './index.js';
import { eventually } from '@edgechat/testing';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';
import { SigningKeys } from './tokens/signing-keys.js';

const HERE = '192.0.2.1';
const PASSWORD = 'correct horse battery';

describe('accounts and sessions', () => {
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

  const register = (email = anEmail(), at = one): Promise<TokenPair> =>
    at.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey: HERE });
  const logIn = (email: ReturnType<typeof anEmail>, password = PASSWORD): Promise<TokenPair> =>
    one.get(LogIn).execute({ email, password, addressKey: HERE });
  const refresh = (token: string, at = one): Promise<TokenPair> => at.get(RefreshSession).execute(token);
  const callerOf = (tokens: TokenPair, at = one): Promise<Caller> =>
    at.get(Authenticator).authenticate(tokens.accessToken);
  const age = (caller: Caller, seconds: number): Promise<unknown> =>
    sqlOf(one)(
      `update edgechat.sessions set rotated_at = rotated_at - make_interval(secs => $2::float8) where id = $1::uuid`,
      caller.sessionId,
      seconds,
    );

  it('gives one e-mail address to one account, however many register it at once', async () => {
    const email = anEmail();
    const upper = { ...email, address: email.address.toUpperCase() };
    const results = await Promise.allSettled([
      register(email, one),
      register(upper, other),
      register(email, other),
      register(upper, one),
    ]);

    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    for (const reason of reasons)
      expect(reason).toMatchObject({ code: 'email_taken', detail: 'Email already registered' });
  });

  it('shows an account to its owner from the moment it was made, on every replica', async () => {
    const email = anEmail('Ada');
    const { accountId } = await callerOf(await register(email), other);
    expect(await other.get(AccountQueries).getMe(accountId)).toMatchObject({
      id: accountId,
      email: email.address,
      displayName: `User ${accountId}`,
    });

    await one.get(UpdateProfile).execute(accountId, { displayName: ' Ada 🦊 ' });
    expect(await other.get(AccountQueries).findAccount(accountId)).toMatchObject({ displayName: ' Ada 🦊 ' });
  });

  it('refuses the token of an account that is gone', async () => {
    const caller = await callerOf(await register());
    await sqlOf(one)('delete from edgechat.accounts where id = $1::bigint', caller.accountId);
    await expect(one.get(AccountQueries).getMe(caller.accountId)).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(
      one.get(ChangePassword).execute(caller, { oldPassword: PASSWORD, newPassword: PASSWORD, addressKey: HERE }),
    ).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('signs access tokens with sub, sid, type and 15 minutes, by one secret for all replicas', async () => {
    const tokens = await register();
    const claims = decodeJwt(tokens.accessToken);
    expect(claims).toMatchObject({
      type: 'access',
      sub: expect.stringMatching(/^[1-9][0-9]*$/),
      sid: expect.any(String),
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(15 * 60);
    expect(await callerOf(tokens, other)).toEqual(await callerOf(tokens, one));
  });

  it('says of a caller when the account was made, by each way to a token, until it is a week old', async () => {
    const email = anEmail();
    const registered = await register(email);
    const { accountId, registeredAtS } = await callerOf(registered);
    const madeAtS = async (shift: string): Promise<number> => {
      const [row] = await sqlOf(one)<{ s: number }>(
        `update edgechat.accounts set created_at = created_at - $2::interval where id = $1::bigint
         returning floor(extract(epoch from created_at))::int as s`,
        accountId,
        shift,
      );
      return row?.s ?? NaN;
    };
    expect(registeredAtS).toBe(await madeAtS('0'));

    const sixDaysAgoS = await madeAtS('6 days 23 hours');
    const refreshed = await refresh(registered.refreshToken);
    expect(await callerOf(refreshed, other)).toMatchObject({ registeredAtS: sixDaysAgoS });
    expect(await callerOf(await refresh(registered.refreshToken))).toMatchObject({ registeredAtS: sixDaysAgoS });
    expect(await callerOf(await logIn(email))).toMatchObject({ registeredAtS: sixDaysAgoS });

    await madeAtS('2 hours');
    const old = await refresh(refreshed.refreshToken);
    expect(await callerOf(old)).toMatchObject({ accountId, registeredAtS: null });
    expect(decodeJwt(old.accessToken)).not.toHaveProperty('reg');
    expect(await callerOf(await logIn(email))).toMatchObject({ accountId, registeredAtS: null });
  });

  it('lets no other token in', async () => {
    const tokens = await register();
    const { sub = '', sid } = decodeJwt(tokens.accessToken);
    const { access } = await one.get(SigningKeys, { strict: false }).get();
    const sign = (
      claims: object,
      exp = '1m',
      key: Parameters<SignJWT['sign']>[0] = access,
      alg = 'HS256',
    ): Promise<string> => new SignJWT({ ...claims }).setProtectedHeader({ alg }).setExpirationTime(exp).sign(key);
    const good = { sub, sid, type: 'access' };
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ ...good, exp: 9_999_999_999 })).toString('base64url')}.`;

    await expect(one.get(Authenticator).authenticate(await sign(good))).resolves.toMatchObject({ sessionId: sid });
    const bad = await Promise.all([
      sign({ ...good, type: 'refresh' }),
      sign({ sub, type: 'access' }),
      sign({ sid, type: 'access' }),
      sign({ ...good, sub: 'ada' }),
      sign({ ...good, sub: '9'.repeat(16) }),
      sign({ ...good, sid: 'x' }),
      sign({ ...good, reg: '1' }),
      sign({ ...good, reg: -1 }),
      sign({ ...good, reg: 1.5 }),
      sign(good, '-1m'),
      sign(good, '1m', Buffer.alloc(32)),
      sign(good, '1m', access, 'HS512'),
    ]);
    for (const token of [...bad, unsigned, tokens.refreshToken, `${tokens.accessToken}x`, '', '..', 'a.b.c']) {
      await expect(one.get(Authenticator).authenticate(token)).rejects.toMatchObject({ code: 'unauthorized' });
    }
  });

  it('exchanges each refresh token once, for tokens of the same session', async () => {
    const first = await register();
    const second = await refresh(first.refreshToken);
    const third = await refresh(second.refreshToken, other);
    expect(new Set([first, second, third].map((tokens) => tokens.refreshToken)).size).toBe(3);
    expect(await callerOf(third)).toEqual(await callerOf(first));
  });

  it('gives two refreshes at once the same successor, on two replicas, and it works', async () => {
    const first = await register();
    const results = await Promise.all([
      refresh(first.refreshToken, one),
      refresh(first.refreshToken, other),
      refresh(first.refreshToken, one),
      refresh(first.refreshToken, other),
    ]);
    expect(new Set(results.map((tokens) => tokens.refreshToken)).size).toBe(1);
    for (const tokens of results) await callerOf(tokens);
    await refresh(results[0]!.refreshToken);
  });

  it('gives a lost answer again within 10 s', async () => {
    const first = await register();
    const second = await refresh(first.refreshToken);
    await age(await callerOf(first), 9);
    expect((await refresh(first.refreshToken)).refreshToken).toBe(second.refreshToken);
  });

  it.each([
    [
      'after 10 s, when its successor is in use',
      async (first: TokenPair, second: TokenPair) => {
        await callerOf(second, other);
        return age(await callerOf(first), 11);
      },
    ],
    ['once the successor was used', async (_: TokenPair, second: TokenPair) => refresh(second.refreshToken)],
  ])('ends the session when a token is used again %s', async (_, happens) => {
    const first = await register();
    const second = await refresh(first.refreshToken);
    const last = await happens(first, second);

    await expect(refresh(first.refreshToken)).rejects.toMatchObject({
      code: 'bad_refresh_token',
      detail: 'Invalid or expired refresh token',
    });
    await expect(refresh(second.refreshToken)).rejects.toMatchObject({ code: 'bad_refresh_token' });
    if (last !== null && typeof last === 'object' && 'refreshToken' in last)
      await expect(refresh(String(last.refreshToken))).rejects.toMatchObject({ code: 'bad_refresh_token' });
    await expect(callerOf(second)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('ends nothing because of a token that we did not sign', async () => {
    const tokens = await register();
    const bytes = Buffer.from(tokens.refreshToken, 'base64url');
    bytes.writeUInt8(bytes.readUInt8(51) ^ 1, 51);
    await expect(refresh(bytes.toString('base64url'))).rejects.toMatchObject({ code: 'bad_refresh_token' });
    await one.get(LogOut).execute(bytes.toString('base64url'));
    await refresh(tokens.refreshToken);
  });

  it('refuses a refresh token that has expired', async () => {
    const tokens = await register();
    await sqlOf(one)(
      'update edgechat.sessions set expires_at = clock_timestamp() where id = $1::uuid',
      (await callerOf(tokens)).sessionId,
    );
    await expect(refresh(tokens.refreshToken)).rejects.toMatchObject({ code: 'bad_refresh_token' });
  });

  it('is over after a logout: here at once, on every replica within 5 s', async () => {
    const tokens = await register();
    await callerOf(tokens, other);
    await one.get(LogOut).execute(tokens.refreshToken);

    await expect(callerOf(tokens, one)).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(refresh(tokens.refreshToken, other)).rejects.toMatchObject({ code: 'bad_refresh_token' });
    await eventually(() => expect(callerOf(tokens, other)).rejects.toMatchObject({ code: 'unauthorized' }), {
      withinMs: 5_000,
    });
    await one.get(LogOut).execute(tokens.refreshToken);
    await one.get(LogOut).execute('unknown');
  });

  it('knows what was revoked before it started', async () => {
    const tokens = await register();
    await one.get(LogOut).execute(tokens.refreshToken);
    const late = await aReplica(database.env);
    await expect(callerOf(tokens, late)).rejects.toMatchObject({ code: 'unauthorized' });
    await late.close();
  });

  it('keeps only hashes of tokens', async () => {
    const tokens = await register();
    const rows = await sqlOf(one)<{ row: string }>('select s::text as row from edgechat.sessions s');
    const kept = rows.map(({ row }) => row).join();
    for (const secret of [
      tokens.refreshToken,
      Buffer.from(tokens.refreshToken, 'base64url').toString('hex'),
      tokens.accessToken,
    ])
      expect(kept).not.toContain(secret);
  });

  it('changes a password, and ends all other sessions', async () => {
    const email = anEmail();
    const mine = await register(email);
    const others = [await logIn(email), await logIn(email)];
    await one
      .get(ChangePassword)
      .execute(await callerOf(mine), { oldPassword: PASSWORD, newPassword: 'staple correct', addressKey: HERE });

    await callerOf(mine);
    await refresh(mine.refreshToken);
    for (const tokens of others) {
      await expect(callerOf(tokens)).rejects.toMatchObject({ code: 'unauthorized' });
      await expect(refresh(tokens.refreshToken)).rejects.toMatchObject({ code: 'bad_refresh_token' });
    }
    await logIn(email, 'staple correct');
    await expect(logIn(email)).rejects.toMatchObject({ code: 'bad_credentials', detail: 'Invalid email or password' });
  });

  it('changes no password for who does not know the old one', async () => {
    const email = anEmail();
    const caller = await callerOf(await register(email));
    await expect(
      one
        .get(ChangePassword)
        .execute(caller, { oldPassword: 'wrong', newPassword: 'staple correct', addressKey: HERE }),
    ).rejects.toMatchObject({ code: 'wrong_password' });
    await logIn(email);
  });

  it('leaves no session of the old password when a login and a change of it meet', async () => {
    const email = anEmail();
    const caller = await callerOf(await register(email));
    const logins = Array.from({ length: 6 }, () =>
      other.get(LogIn).execute({ email, password: PASSWORD, addressKey: HERE }),
    );
    await one
      .get(ChangePassword)
      .execute(caller, { oldPassword: PASSWORD, newPassword: 'staple correct', addressKey: HERE });

    const begun = (await Promise.allSettled(logins)).flatMap((login) =>
      login.status === 'fulfilled' ? [login.value] : [],
    );
    for (const tokens of begun)
      await expect(refresh(tokens.refreshToken)).rejects.toMatchObject({ code: 'bad_refresh_token' });
  });

  it('logs in by a hash of the first backend, and replaces it, also when several do so at once', async () => {
    const email = anEmail();
    const { accountId } = await callerOf(await register(email));
    const long = 'ü'.repeat(600);
    await sqlOf(one)(
      'update edgechat.accounts set password_hash = $2::text where id = $1::bigint',
      accountId,
      await bcryptHash(long, 4),
    );

    await expect(one.get(LogIn).execute({ email, password: 'wrong', addressKey: '192.0.2.99' })).rejects.toMatchObject({
      code: 'bad_credentials',
    });
    await Promise.all([
      logIn(email, long),
      logIn(email, long),
      other.get(LogIn).execute({ email, password: long, addressKey: HERE }),
    ]);
    const [row] = await sqlOf(one)<{ password_hash: string }>(
      'select password_hash from edgechat.accounts where id = $1::bigint',
      accountId,
    );
    expect(row?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    await logIn(email, long);
    await expect(logIn(email, `${long}x`)).rejects.toMatchObject({ code: 'bad_credentials' });
  });

  it('answers 200 logins at once without stopping other work', async () => {
    const email = anEmail();
    await register(email);
    let longestMs = 0;
    let last = performance.now();
    const watch = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    }, 5);
    const results = await Promise.allSettled(Array.from({ length: 200 }, () => logIn(email)));
    clearInterval(watch);

    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(longestMs).toBeLessThan(500);
  });

  it('lets nobody in when PostgreSQL has told nothing for 5 s, and again once it tells', async () => {
    const replica = await aReplica(database.env);
    const tokens = await register(anEmail(), replica);
    await callerOf(tokens, replica);
    await sqlOf(one)('alter table edgechat.sessions rename to away');
    await eventually(() => expect(callerOf(tokens, replica)).rejects.toThrow(Unavailable));

    await sqlOf(one)('alter table edgechat.away rename to sessions');
    await eventually(() => callerOf(tokens, replica));
    await replica.close();
  });

  it('says of a refusal what the first contract says', async () => {
    await expect(logIn(anEmail())).rejects.toThrow(Refusal);
    await expect(logIn(anEmail())).rejects.toMatchObject({
      code: 'bad_credentials',
      detail: 'Invalid email or password',
    });
  });
});
