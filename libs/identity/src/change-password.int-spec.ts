import type { INestApplicationContext } from '@nestjs/common';
import { eventually } from '@edgechat/testing';
import { decodeJwt } from 'jose';
import {
  Authenticator,
  ChangePassword,
  EndSessions,
  ListSessions,
  LogIn,
  RefreshSession,
  RegisterAccount,
} from './index.js';
import type { Caller, OpenSession, TokenPair } from './index.js';
import { aDatabase, anEmail, aReplica, type TestDatabase } from './test-identity.js';

const HERE = '192.0.2.1';
const PASSWORD = 'a fine old password 7';
const BETTER = 'an even finer password 8';
const REFUSED = { code: 'bad_refresh_token' };
const ENDED = { code: 'unauthorized' };

describe('at a change of the password that asks for a new session', () => {
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
  const expectOver = async (tokens: TokenPair): Promise<void> => {
    await expect(refresh(tokens)).rejects.toMatchObject(REFUSED);
    await expect(use(tokens, one)).rejects.toMatchObject(ENDED);
    await eventually(() => expect(use(tokens, other)).rejects.toMatchObject(ENDED), { withinMs: 5_000 });
  };

  /** Who calls with these tokens on a replica that has not heard of their end yet. */
  function callerOf(tokens: TokenPair): Caller {
    const { sub, sid } = decodeJwt(tokens.accessToken);
    return { accountId: Number(sub), sessionId: String(sid), registeredAtS: null } as Caller;
  }

  const change = async (tokens: TokenPair, oldPassword = PASSWORD): Promise<TokenPair> =>
    one.get(ChangePassword).executeAnew(await use(tokens), { oldPassword, newPassword: BETTER, addressKey: HERE });

  it('all end, the one that asks too, and the new one goes on', async () => {
    const email = anEmail();
    const [mine, another] = [await register(email), await logIn(email)];
    const stranger = await register();
    for (const tokens of [mine, another, stranger]) await use(tokens, other);

    const anew = await change(mine);

    for (const tokens of [mine, another]) await expectOver(tokens);
    expect(idsOf(await list(anew, other))).toEqual([idOf(anew)]);
    await use(await refresh(anew, other), one);
    await refresh(stranger);
    await logIn(email, BETTER);
    await expect(logIn(email)).rejects.toMatchObject({ code: 'bad_credentials' });
  });

  it('none begins where the one that asks has ended, though its access token still passes, and the password stays', async () => {
    const email = anEmail();
    const mine = await register(email);
    await use(mine, other);
    await one.get(EndSessions).endOne(await use(mine), (await use(mine)).sessionId);
    for (const change of ['execute', 'executeAnew'] as const)
      await expect(
        other
          .get(ChangePassword)
          [change](callerOf(mine), { oldPassword: PASSWORD, newPassword: BETTER, addressKey: HERE }),
      ).rejects.toMatchObject(ENDED);
    await logIn(email);
  });

  it('none begins and none ends for who does not know the old password', async () => {
    const tokens = await register();
    await expect(change(tokens, 'not the old password')).rejects.toMatchObject({ code: 'wrong_password' });
    expect(idsOf(await list(tokens))).toEqual([idOf(tokens)]);
    await refresh(tokens);
  });
});
