import type { INestApplicationContext } from '@nestjs/common';
import { newSessionId } from '@edgechat/kernel';
import { eventually } from '@edgechat/testing';
import { decodeJwt } from 'jose';
import { Authenticator, EndSessions, ListSessions, LogIn, RefreshSession, RegisterAccount } from './index.js';
import type { Caller, OpenSession, TokenPair } from './index.js';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';

const HERE = '192.0.2.1';
const PASSWORD = 'a fine old password 7';
const DAY_MS = 86_400_000;
const REFUSED = { code: 'bad_refresh_token' };
const ENDED = { code: 'unauthorized' };

describe('the sessions of an account', () => {
  let database: TestDatabase;
  let one: INestApplicationContext;
  let other: INestApplicationContext;
  let endless: INestApplicationContext;
  beforeAll(async () => {
    database = await aDatabase(process.env);
    [one, other, endless] = await Promise.all([
      aReplica(database.env),
      aReplica(database.env),
      aReplica({ ...database.env, SESSION_MAX_DAYS: 'unlimited' }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([one, other, endless].map((replica) => replica?.close()));
    await database?.drop();
  });

  const register = (email = anEmail()): Promise<TokenPair> =>
    one.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey: HERE });
  const logIn = (email: ReturnType<typeof anEmail>, password = PASSWORD, at = one): Promise<TokenPair> =>
    at.get(LogIn).execute({ email, password, addressKey: HERE });
  const refresh = ({ refreshToken }: TokenPair, at = one): Promise<TokenPair> =>
    at.get(RefreshSession).execute(refreshToken);
  const use = ({ accessToken }: TokenPair, at = one): Promise<Caller> =>
    at.get(Authenticator).authenticate(accessToken);
  const list = async (tokens: TokenPair, at = one): Promise<readonly OpenSession[]> =>
    at.get(ListSessions).listOpen((await use(tokens, at)).accountId);
  const idOf = ({ accessToken }: TokenPair): string => String(decodeJwt(accessToken)['sid']);
  const idsOf = (sessions: readonly OpenSession[]): string[] => sessions.map(({ id }) => id);
  /** Everything of a session was so many days earlier. */
  const age = (tokens: TokenPair, days: number): Promise<unknown> =>
    sqlOf(one)(
      `update edgechat.sessions set created_at = created_at - make_interval(days => $2::int), rotated_at = rotated_at - make_interval(days => $2::int),
         used_at = used_at - make_interval(days => $2::int) where id = $1::uuid`,
      idOf(tokens),
      days,
    );
  const expectOver = async (tokens: TokenPair): Promise<void> => {
    await expect(refresh(tokens)).rejects.toMatchObject(REFUSED);
    await expect(use(tokens, one)).rejects.toMatchObject(ENDED);
    await eventually(() => expect(use(tokens, other)).rejects.toMatchObject(ENDED), { withinMs: 5_000 });
  };

  describe('end for good', () => {
    it('365 days after the login, however often they were refreshed', async () => {
      const first = await register();
      await age(first, 360);
      const second = await refresh(first);
      const [session] = await list(second);
      expect(Number(session?.expiresAt) - Number(session?.createdAt)).toBe(365 * DAY_MS);

      await age(second, 5);
      await expect(refresh(second)).rejects.toMatchObject(REFUSED);
      await expect(refresh(first)).rejects.toMatchObject(REFUSED);
    });

    it('also where a release or a setting of before wrote a later end', async () => {
      const tokens = await register();
      const bystander = await logIn(await emailOf(tokens));
      await age(tokens, 365);
      await sqlOf(one)(
        `update edgechat.sessions set expires_at = clock_timestamp() + interval '7 days' where id = $1::uuid`,
        idOf(tokens),
      );

      expect(idsOf(await list(bystander))).toEqual([idOf(bystander)]);
      await expect(refresh(tokens)).rejects.toMatchObject(REFUSED);
      await expect(
        one.get(EndSessions).endOne(await use(bystander), (await use(tokens)).sessionId),
      ).rejects.toMatchObject({ code: 'session_not_found' });
      await refresh(bystander);
    });

    it('and their last access token with them', async () => {
      const first = await register();
      await age(first, 365);
      await sqlOf(one)(
        `update edgechat.sessions set created_at = created_at + interval '5 minutes' where id = $1::uuid`,
        idOf(first),
      );
      const { exp = 0, iat = 0 } = decodeJwt((await refresh(first)).accessToken);
      expect(exp - iat).toBeLessThanOrEqual(300);
    });

    it('never where SESSION_MAX_DAYS is unlimited', async () => {
      const first = await register();
      await age(first, 3_650);
      const second = await refresh(first, endless);
      const [session] = await list(second, endless);
      expect(Number(session?.expiresAt)).toBeGreaterThan(Date.now() + 6 * DAY_MS);
    });
  });

  it('are listed to their owner, the one used last first', async () => {
    const email = anEmail();
    const [first, second] = [await register(email), await logIn(email)];
    const stranger = await register();
    const ofBoth = await list(first);
    expect(idsOf(ofBoth)).toEqual([idOf(first), idOf(second)]);
    expect(Object.keys(ofBoth[0]!).sort()).toEqual(['createdAt', 'expiresAt', 'id', 'lastUsedAt']);

    await use(second, other);
    const [used, before] = await list(first);
    expect(idsOf([used!, before!])).toEqual([idOf(second), idOf(first)]);
    expect(Number(used!.lastUsedAt)).toBeGreaterThan(Number(used!.createdAt));

    await refresh(first);
    expect(idsOf(await list(second))).toEqual([idOf(first), idOf(second)]);
    expect(idsOf(await list(stranger))).toEqual([idOf(stranger)]);
  });

  it('say when a session of the release before was made and last used', async () => {
    const tokens = await register();
    await age(tokens, 3);
    await sqlOf(one)(
      `update edgechat.sessions set used_at = null, unused_generation = null, rotated_at = created_at + interval '1 day' where id = $1::uuid`,
      idOf(tokens),
    );
    const [session] = await list(tokens, other);
    expect(Number(session!.lastUsedAt) - Number(session!.createdAt)).toBe(DAY_MS);
  });

  it('end one by one, and those of others do not', async () => {
    const email = anEmail();
    const [mine, lost] = [await register(email), await logIn(email)];
    const stranger = await register();
    const caller = await use(mine);
    for (const tokens of [lost, stranger]) await use(tokens, other);
    const end = async (id: string | null): Promise<void> =>
      one.get(EndSessions).endOne(caller, id as Caller['sessionId'] | null);

    await end(idOf(lost));
    await expectOver(lost);
    for (const id of [idOf(lost), idOf(stranger), newSessionId(), null])
      await expect(end(id)).rejects.toMatchObject({ code: 'session_not_found' });
    await use(mine, other);
    await refresh(stranger);

    await end(caller.sessionId);
    await expectOver(mine);
  });

  it('end all but the one that asks', async () => {
    const email = anEmail();
    const mine = await register(email);
    const others = [await logIn(email), await logIn(email), await logIn(email)];
    const stranger = await register();
    for (const tokens of [mine, stranger, ...others]) await use(tokens, other);

    await one.get(EndSessions).endOthers(await use(mine));
    await one.get(EndSessions).endOthers(await use(mine));

    for (const tokens of others) await expectOver(tokens);
    expect(idsOf(await list(mine))).toEqual([idOf(mine)]);
    await refresh(mine);
    await refresh(stranger);
  });

  it('end, each asking for the end of all others, without waiting for each other', async () => {
    const email = anEmail();
    const all = [await register(email), ...(await Promise.all(Array.from({ length: 5 }, () => logIn(email))))];
    const callers = await Promise.all(all.map((tokens) => use(tokens)));
    await Promise.all(callers.map((caller, n) => (n % 2 === 0 ? one : other).get(EndSessions).endOthers(caller)));
    // Whichever has the first turn goes on: the others have ended by their turns, and end nobody any more.
    const open = idsOf(await list(await logIn(email), endless));
    expect(open).toHaveLength(2);
    expect(callers.filter(({ sessionId }) => open.includes(sessionId))).toHaveLength(1);
  });

  describe('are 50 at most', () => {
    const fill = (tokens: TokenPair): Promise<unknown> =>
      sqlOf(one)(
        `insert into edgechat.sessions (id, account_id, generation, token_hash, rotated_at, expires_at)
         select gen_random_uuid(), account_id, 1, '\\x00', clock_timestamp(), expires_at
         from edgechat.sessions, generate_series(1, 49) where id = $1::uuid`,
        idOf(tokens),
      );
    const countOpen = async (tokens: TokenPair): Promise<number | undefined> => {
      const [row] = await sqlOf(one)<{ n: number }>(
        `select count(*)::int as n from edgechat.sessions where revoked_at is null and account_id = (select account_id from edgechat.sessions where id = $1::uuid)`,
        idOf(tokens),
      );
      return row?.n;
    };

    it('the login that makes one more ends the one that was used least recently', async () => {
      const email = anEmail();
      const [unused, inUse] = [await register(email), await logIn(email)];
      await age(unused, 2);
      await age(inUse, 3);
      await use(inUse, other);
      await fill(unused);
      await sqlOf(one)(
        `delete from edgechat.sessions where id = (select id from edgechat.sessions where token_hash = '\\x00' limit 1)`,
      );
      expect(await countOpen(unused)).toBe(50);

      const newest = await logIn(email);

      expect(await countOpen(newest)).toBe(50);
      await expectOver(unused);
      await use(inUse);
      await refresh(inUse);
      await refresh(newest);
    });

    it('also when several log in at once, on two replicas', async () => {
      const email = anEmail();
      const tokens = await register(email);
      await fill(tokens);
      await Promise.all(Array.from({ length: 8 }, (_, n) => logIn(email, PASSWORD, n % 2 === 0 ? one : other)));
      expect(await countOpen(tokens)).toBe(50);
      await expect(refresh(tokens)).rejects.toMatchObject(REFUSED);
    });

    it('and what ended long ago is removed bit by bit, as fast as logins add to it', async () => {
      const email = anEmail();
      const tokens = await register(email);
      await sqlOf(one)(
        `insert into edgechat.sessions (id, account_id, generation, token_hash, rotated_at, expires_at, revoked_at)
         select gen_random_uuid(), account_id, 1, '\\x00', now(), now() - case when n > 150 then interval '3 days' else interval '0' end,
           case when n <= 150 then now() - interval '3 days' end
         from edgechat.sessions, generate_series(1, 300) n where id = $1::uuid`,
        idOf(tokens),
      );
      const countAll = async (): Promise<number | undefined> => {
        const [row] = await sqlOf(one)<{ n: number }>(
          'select count(*)::int as n from edgechat.sessions where account_id = (select account_id from edgechat.sessions where id = $1::uuid)',
          idOf(tokens),
        );
        return row?.n;
      };
      await logIn(email);
      expect(await countAll()).toBe(301 + 1 - 200);
      await logIn(email);
      expect(await countAll()).toBe(3);
      await refresh(tokens);
    });

    it('and those of others stay', async () => {
      const bystander = await register();
      const tokens = await register();
      await fill(tokens);
      await logIn(await emailOf(tokens));
      await use(bystander);
      await refresh(bystander);
    });
  });

  it('of one that has ended end no others, where its access token still passes', async () => {
    const email = anEmail();
    const [ended, goesOn] = [await register(email), await logIn(email)];
    const caller = await use(ended, other);
    await one.get(EndSessions).endOne(await use(goesOn), caller.sessionId);
    await other.get(EndSessions).endOthers(caller);
    await use(goesOn);
    await refresh(goesOn);
  });

  it('keep an address known where they are refreshed, and make no other one known', async () => {
    const tokens = await register();
    const { accountId } = await use(tokens);
    const addresses = () =>
      sqlOf(one)<{ days: number }>(
        `select round(extract(epoch from clock_timestamp() - last_login_at) / 86400)::int as days from edgechat.login_addresses where account_id = $1::bigint`,
        accountId,
      );
    await sqlOf(one)(
      `update edgechat.login_addresses set last_login_at = last_login_at - interval '29 days' where account_id = $1::bigint`,
      accountId,
    );
    const next = await one.get(RefreshSession).execute(tokens.refreshToken, '198.51.100.9');
    expect(await addresses()).toEqual([{ days: 29 }]);
    await one.get(RefreshSession).execute(next.refreshToken, HERE);
    expect(await addresses()).toEqual([{ days: 0 }]);
  });

  async function emailOf(tokens: TokenPair): Promise<ReturnType<typeof anEmail>> {
    const [row] = await sqlOf(one)<{ address: string; key: string }>(
      'select email as address, email_key as key from edgechat.accounts where id = $1::bigint',
      (await use(tokens)).accountId,
    );
    return row as ReturnType<typeof anEmail>;
  }
});
