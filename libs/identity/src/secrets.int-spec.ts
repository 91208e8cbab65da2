import type { INestApplicationContext } from '@nestjs/common';
import { Authenticator, LogIn, LogOut, RefreshSession, RegisterAccount } from './index.js';
import type { Caller, TokenPair } from './index.js';
import { LoginGuard } from './passwords/login-guard.js';
import { Accounts } from './persistence/accounts.js';
import { aDatabase, anEmail, aReplica, type TestDatabase } from './test-identity.js';

const HERE = '192.0.2.1';
const PASSWORD = 'a fine old password 7';
const OLD = 'the old secret of thirty-two bytes or more';
const NEW = 'the new secret of thirty-two bytes or more';
const REFUSED = { code: 'bad_refresh_token' };
const NOBODY = { code: 'unauthorized' };

/** The replicas that there are while JWT_SECRET is replaced as docs/deploy.md says: each step meets the one before and the one after. */
const STEPS = {
  before: { JWT_SECRET: OLD },
  announced: { JWT_SECRET: OLD, JWT_SECRET_PREVIOUS: NEW },
  replaced: { JWT_SECRET: NEW, JWT_SECRET_PREVIOUS: OLD },
  after: { JWT_SECRET: NEW },
};

describe('while the signing secret is replaced', () => {
  let database: TestDatabase;
  let before: INestApplicationContext;
  let announced: INestApplicationContext;
  let replaced: INestApplicationContext;
  let after: INestApplicationContext;
  beforeAll(async () => {
    database = await aDatabase(process.env);
    const replica = (env: object): Promise<INestApplicationContext> => aReplica({ ...database.env, ...env });
    [before, announced, replaced, after] = await Promise.all([
      replica(STEPS.before),
      replica(STEPS.announced),
      replica(STEPS.replaced),
      replica(STEPS.after),
    ]);
  });
  afterAll(async () => {
    await Promise.all([before, announced, replaced, after].map((one) => one?.close()));
    await database?.drop();
  });

  const register = (at: INestApplicationContext, email = anEmail()): Promise<TokenPair> =>
    at.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey: HERE });
  const refresh = ({ refreshToken }: TokenPair, at: INestApplicationContext): Promise<TokenPair> =>
    at.get(RefreshSession).execute(refreshToken);
  const use = ({ accessToken }: TokenPair, at: INestApplicationContext): Promise<Caller> =>
    at.get(Authenticator).authenticate(accessToken);

  it.each<[string, () => [INestApplicationContext, INestApplicationContext]]>([
    ['accepts the new one what was made before', () => [before, announced]],
    ['does not know the new one what was made where it is accepted', () => [announced, before]],
    ['signs what was made where the new one signs', () => [replaced, announced]],
    ['is accepted what was made where it signs', () => [announced, replaced]],
    ['is forgotten what was made where it was accepted', () => [replaced, after]],
    ['is accepted what was made where it is forgotten', () => [after, replaced]],
  ])('a replica takes where the old secret %s', async (_, replicas) => {
    const [from, to] = replicas();
    const tokens = await register(from);
    expect(await use(tokens, to)).toEqual(await use(tokens, from));

    const next = await refresh(tokens, to);
    expect(await use(next, from)).toEqual(await use(next, to));
    await use(await refresh(next, from), to);
  });

  it('a session of the old secret goes on with the new one', async () => {
    const first = await register(before);
    await use(first, replaced);
    const second = await refresh(first, replaced);

    expect((await use(second, after)).sessionId).toBe((await use(first, before)).sessionId);
    await use(await refresh(second, after), after);
    await expect(use(second, before)).rejects.toMatchObject(NOBODY);
  });

  it.each<[string, () => [INestApplicationContext, INestApplicationContext]]>([
    ['with the old secret, is given again after the change', () => [announced, replaced]],
    ['with the new secret, is given again where the old one still signs', () => [replaced, announced]],
  ])('an answer that was lost, %s', async (_, replicas) => {
    const [earlier, later] = replicas();
    const first = await register(announced);
    const lost = await refresh(first, earlier);

    const again = await refresh(first, later);

    expect(again.refreshToken).toBe(lost.refreshToken);
    await use(await refresh(again, later), earlier);
  });

  it('a token of the old secret that is used again ends the session', async () => {
    const first = await register(before);
    const second = await refresh(first, replaced);
    const third = await refresh(second, replaced);
    await expect(refresh(first, replaced)).rejects.toMatchObject(REFUSED);
    await expect(refresh(third, replaced)).rejects.toMatchObject(REFUSED);
  });

  it('a logout knows tokens of the old secret', async () => {
    const tokens = await register(before);
    await replaced.get(LogOut).execute(tokens.refreshToken);
    await expect(refresh(tokens, before)).rejects.toMatchObject(REFUSED);
  });

  it('an address stays one of the account', async () => {
    const email = anEmail();
    await register(before, email);
    const isKnownAt = async (at: INestApplicationContext): Promise<boolean | undefined> => {
      const hashes = await at.get(LoginGuard, { strict: false }).hashesOfAddress(HERE);
      return (await at.get(Accounts, { strict: false }).credentialsByEmail(email, hashes))?.isKnownAddress;
    };
    expect([await isKnownAt(replaced), await isKnownAt(after)]).toEqual([true, false]);

    await replaced.get(LogIn).execute({ email, password: PASSWORD, addressKey: HERE });
    expect(await isKnownAt(after)).toBe(true);
  });

  it('the old secret opens nothing once it is no longer accepted', async () => {
    const tokens = await register(before);
    await expect(use(tokens, after)).rejects.toMatchObject(NOBODY);
    await expect(refresh(tokens, after)).rejects.toMatchObject(REFUSED);
    await use(await refresh(tokens, before), before);
  });
});
