import type { INestApplicationContext } from '@nestjs/common';
import { eventually, storeCallsOf } from '@edgechat/testing';
import { Authenticator, LogOut, RefreshSession, RegisterAccount } from './index.js';
import type { Caller, TokenPair } from './index.js';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';

const HERE = '192.0.2.1';
const PASSWORD = 'a fine old password 7';
const REFUSED = { code: 'bad_refresh_token' };
const MINUTES = 60;

describe('a refresh whose answer was lost', () => {
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

  const register = (): Promise<TokenPair> =>
    one.get(RegisterAccount).execute({ email: anEmail(), password: PASSWORD, addressKey: HERE });
  const refresh = ({ refreshToken }: TokenPair, at = one): Promise<TokenPair> =>
    at.get(RefreshSession).execute(refreshToken);
  const use = ({ accessToken }: TokenPair, at = one): Promise<Caller> =>
    at.get(Authenticator).authenticate(accessToken);
  const isKnown = ({ accessToken }: TokenPair, at = one): boolean => at.get(Authenticator).known(accessToken) !== null;
  const pass = async (tokens: TokenPair, seconds: number): Promise<void> => {
    const sid: unknown = JSON.parse(Buffer.from(tokens.accessToken.split('.')[1] ?? '', 'base64url').toString()).sid;
    await sqlOf(one)(
      'update edgechat.sessions set rotated_at = rotated_at - make_interval(secs => $2::float8) where id = $1::uuid',
      sid,
      seconds,
    );
  };
  const markOf = async (sessionId: string): Promise<number | null | undefined> => {
    const [row] = await sqlOf(one)<{ unused_generation: number | null }>(
      'select unused_generation from edgechat.sessions where id = $1::uuid',
      sessionId,
    );
    return row?.unused_generation;
  };

  it.each([11, 30 * MINUTES, 60 * MINUTES - 5])('is given again after %d s, and goes on', async (seconds) => {
    const first = await register();
    await use(first);
    const lost = await refresh(first);
    await pass(first, seconds);

    const again = await refresh(first, other);

    expect(again.refreshToken).toBe(lost.refreshToken);
    await use(again, other);
    await use(await refresh(again));
  });

  it('may be lost again and again', async () => {
    const first = await register();
    const lost = await refresh(first);
    for (let n = 0; n < 5; n += 1) {
      await pass(first, 10 * MINUTES);
      expect((await refresh(first, n % 2 === 0 ? one : other)).refreshToken).toBe(lost.refreshToken);
    }
  });

  it.each<[string, number, (lost: TokenPair) => Promise<unknown>]>([
    ['after an hour', 60 * MINUTES + 5, () => Promise.resolve()],
    ['once an access token was used that came with it', 11, (lost) => use(lost, other)],
    ['once its refresh token was used', 11, (lost) => refresh(lost, other)],
  ])('is a reuse that ends the session %s', async (_, seconds, happens) => {
    const first = await register();
    const lost = await refresh(first);
    await happens(lost);
    await pass(first, seconds);

    await expect(refresh(first)).rejects.toMatchObject(REFUSED);
    await expect(refresh(lost)).rejects.toMatchObject(REFUSED);
    await expect(use(lost)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('is a reuse after 10 s when a repeat of it was used', async () => {
    const first = await register();
    await refresh(first);
    await pass(first, 5 * MINUTES);
    await use(await refresh(first, other), other);

    await expect(refresh(first)).rejects.toMatchObject(REFUSED);
  });

  it('ends the session of two holders of one token, seven minutes apart, at the first of ten rounds', async () => {
    const first = await register();
    const holders = [
      { tokens: first, at: one },
      { tokens: first, at: other },
    ];
    const refusedIn: number[] = [];
    for (const round of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
      for (const holder of holders) {
        const next = await refresh(holder.tokens, holder.at).catch((error: unknown) => {
          expect(error).toMatchObject(REFUSED);
          refusedIn.push(round);
          return null;
        });
        if (next !== null) await use(next, holder.at);
        holder.tokens = next ?? holder.tokens;
        await pass(first, 7 * MINUTES);
      }
    }

    expect(refusedIn.slice(0, 3)).toEqual([1, 2, 2]);
    expect(refusedIn).toHaveLength(19);
    for (const { tokens, at } of holders)
      await eventually(() => expect(use(tokens, at)).rejects.toMatchObject({ code: 'unauthorized' }), {
        withinMs: 5_000,
      });
  });

  it('ends it as soon as both use what they get, though one of them only refreshed at first', async () => {
    const first = await register();
    const quiet = await refresh(first);
    await pass(first, 7 * MINUTES);
    const thief = await refresh(first, other);
    expect(thief.refreshToken).toBe(quiet.refreshToken);
    await use(thief, other);

    const client = await refresh(quiet);
    await use(client);
    await pass(first, 7 * MINUTES);
    await expect(refresh(thief, other)).rejects.toMatchObject(REFUSED);
    await expect(refresh(client)).rejects.toMatchObject(REFUSED);
  });

  it('is given again within 10 s to two tabs that refresh at once, though one of them goes on already', async () => {
    const first = await register();
    const one1 = await refresh(first, one);
    await use(one1, one);
    const tab = await refresh(first, other);

    expect(tab.refreshToken).toBe(one1.refreshToken);
    await use(tab, other);
    await use(await refresh(tab));
  });

  it('of a session of the release before is forgiven for 10 s only: its tokens do not say their generation', async () => {
    const first = await register();
    const { sessionId } = await use(first);
    const lost = await refresh(first);
    // What a refresh by the release before leaves behind: the column of the generation before.
    await sqlOf(one)('update edgechat.sessions set unused_generation = generation - 1 where id = $1::uuid', sessionId);
    expect((await refresh(first)).refreshToken).toBe(lost.refreshToken);

    await pass(first, 11);
    await expect(refresh(first)).rejects.toMatchObject(REFUSED);
  });

  describe('the first use of an access token', () => {
    const callsOf = async (work: () => Promise<unknown>): Promise<string[]> =>
      (await storeCallsOf(work)).filter((call) => call !== 'postgres sessions-revoked-since');

    it('costs one round trip, once for a process and all tokens of the generation', async () => {
      const first = await register();
      expect(await callsOf(() => Promise.all([use(first), use(first), use(first)]))).toEqual([
        'postgres mark-session-used',
      ]);
      expect(await callsOf(() => use(first))).toEqual([]);
      expect(isKnown(first)).toBe(true);

      const second = await refresh(first);
      expect(await callsOf(() => use(first))).toEqual([]);
      expect(await callsOf(() => use(second))).toEqual(['postgres mark-session-used']);
      const again = await refresh(first);
      expect(await callsOf(() => use(again))).toEqual([]);
    });

    it('is marked when the call is answered, and the working generation only', async () => {
      const first = await register();
      const { sessionId } = await use(first);
      expect(await markOf(sessionId)).toBeNull();

      const second = await refresh(first);
      expect(await markOf(sessionId)).toBe(2);
      await use(first, other);
      expect(await markOf(sessionId)).toBe(2);
      await use(second, other);
      expect(await markOf(sessionId)).toBeNull();
    });

    it('lets the call go on when it cannot be marked, and the next call tries again', async () => {
      const replica = await aReplica(database.env);
      const first = await register();
      await sqlOf(one)('alter table edgechat.sessions rename column used_at to away');
      const { sessionId } = await use(first, replica);
      expect(isKnown(first, replica)).toBe(false);
      await use(first, replica);

      await sqlOf(one)('alter table edgechat.sessions rename column away to used_at');
      expect(await markOf(sessionId)).toBe(1);
      await use(first, replica);
      expect(await markOf(sessionId)).toBeNull();
      expect(isKnown(first, replica)).toBe(true);
      await replica.close();
    });

    it('is not waited for when another transaction holds the session', async () => {
      const first = await register();
      const { sessionId } = await use(first, other);
      const second = await refresh(first);
      const holds = sqlOf(other)(
        'update edgechat.sessions set rotated_at = rotated_at where id = $1::uuid returning pg_sleep(2)',
        sessionId,
      );

      expect(await Promise.race([use(second).then(() => 'the call'), holds.then(() => 'the lock')])).toBe('the call');
      await holds;
    });
  });

  it('ends nothing when it is repeated after a logout', async () => {
    const first = await register();
    const lost = await refresh(first);
    await one.get(LogOut).execute(lost.refreshToken);
    await expect(refresh(first)).rejects.toMatchObject(REFUSED);
  });
});
