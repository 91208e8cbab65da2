import { createSecretKey, randomBytes } from 'node:crypto';
import { accountId, newSessionId } from '@edgechat/kernel';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { canBeAccessToken, encodeAccessToken, readAccessClaims } from './access-token.js';

const key = createSecretKey(randomBytes(32));
const nowS = Math.floor(Date.now() / 1_000);
const token = {
  accountId: accountId(7),
  sessionId: newSessionId(),
  generation: 3,
  registeredAtS: null,
  issuedAtS: nowS,
  expiresAtS: nowS + 900,
};

describe('an access token', () => {
  it('is what any reader of JWTs takes for one, and says whom it speaks for and until when', async () => {
    const text = encodeAccessToken(key, token);

    expect(decodeProtectedHeader(text)).toEqual({ alg: 'HS256', typ: 'at+jwt' });
    const asked = { algorithms: ['HS256'], issuer: 'edgechat', audience: 'edgechat-api', typ: 'at+jwt' };
    expect((await jwtVerify(text, key, asked)).payload).toEqual({
      iss: 'edgechat',
      aud: 'edgechat-api',
      type: 'access',
      sid: token.sessionId,
      sub: '7',
      gen: 3,
      iat: nowS,
      exp: nowS + 900,
    });
  });

  it('says when an account was made that is new', async () => {
    const text = encodeAccessToken(key, { ...token, registeredAtS: nowS - 60 });

    expect((await jwtVerify(text, key)).payload).toMatchObject({ reg: nowS - 60 });
  });

  it('is taken by the release before, which asks for these claims and no others', async () => {
    const asked = { algorithms: ['HS256'], requiredClaims: ['sub', 'sid', 'type', 'exp'] };
    const { payload } = await jwtVerify(encodeAccessToken(key, token), key, asked);

    expect([payload.type, payload.sub, payload.sid]).toEqual(['access', '7', token.sessionId]);
  });

  it('of another key is taken by nobody', async () => {
    await expect(jwtVerify(encodeAccessToken(createSecretKey(randomBytes(32)), token), key)).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    });
  });

  it('is at most half as long as a text may be that is read as one', () => {
    const longest = { ...token, accountId: accountId(2 ** 53 - 1), generation: 2 ** 32 - 1, registeredAtS: nowS };

    expect(encodeAccessToken(key, longest).length).toBeLessThan(512);
  });
});

describe('what a verified JWT says', () => {
  const header = { alg: 'HS256', typ: 'at+jwt' };
  const claims = decodeJwt(encodeAccessToken(key, { ...token, registeredAtS: nowS - 60 }));
  const before = { type: 'access', sid: token.sessionId, sub: '7', iat: nowS, exp: nowS + 900 };

  it('is whom it speaks for, in which generation, and since when there is the account', () => {
    expect(readAccessClaims(header, claims)).toEqual({
      accountId: 7,
      sessionId: token.sessionId,
      generation: 3,
      registeredAtS: nowS - 60,
      expiresAtS: nowS + 900,
    });
  });

  it.each([{ alg: 'HS256', typ: 'JWT' }, { alg: 'HS256' }])('is less in one of the release before: %j', (old) => {
    expect(readAccessClaims(old, before)).toMatchObject({ accountId: 7, generation: null, registeredAtS: null });
  });

  it.each<[string, object, object]>([
    ['another issuer', header, { ...claims, iss: 'https://evil.example' }],
    ['another audience', header, { ...claims, aud: 'edgechat' }],
    ['several audiences', header, { ...claims, aud: ['edgechat-api', 'other'] }],
    ['no issuer', header, { ...claims, iss: undefined }],
    ['no audience', header, { ...claims, aud: undefined }],
    ['another type', { ...header, typ: 'dpop+jwt' }, claims],
    ['the type of the release before, and an issuer', { ...header, typ: 'JWT' }, claims],
    ['the type of the release before, and another issuer', { ...header, typ: 'JWT' }, { ...before, iss: 'x' }],
    ['the type of the release before, and another audience', { alg: 'HS256' }, { ...before, aud: 'x' }],
    ['the type of this release, and neither', header, before],
    ['another kind', header, { ...claims, type: 'refresh' }],
    ['no session', header, { ...claims, sid: 'x' }],
    ['no account', header, { ...claims, sub: '0' }],
    ['an account as a number', header, { ...claims, sub: 7 }],
    ['an account beyond 2^53', header, { ...claims, sub: '9007199254740993' }],
    ['no end', header, { ...claims, exp: undefined }],
    ['a generation that is none', header, { ...claims, gen: '3' }],
    ['an instant that is none', header, { ...claims, reg: -1 }],
  ])('is nothing with %s', (_, given, said) => {
    expect(readAccessClaims({ ...given }, { ...said })).toBeNull();
  });
});

describe('a text', () => {
  const text = encodeAccessToken(key, token);

  it('can be an access token when it has three parts in their one spelling', () => {
    expect(canBeAccessToken(text)).toBe(true);
    expect(canBeAccessToken('a.b.c')).toBe(false);
  });

  it('cannot with other bits at the end of a part, which would be the same bytes', () => {
    const last = text.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const others = [...alphabet].filter((one) => one !== last).map((one) => `${text.slice(0, -1)}${one}`);
    const signature = (one: string): string => Buffer.from(one.split('.')[2] ?? '', 'base64url').toString('hex');
    const same = others.filter((one) => signature(one) === signature(text));

    expect(same).toHaveLength(3);
    expect(same.filter(canBeAccessToken)).toEqual([]);
  });

  it.each([
    ['longer than 1 KiB', (): string => `${text}.`.padEnd(1_025, 'A')],
    ['padded', (): string => `${text}=`],
    ['with the letters of base64', (): string => text.replace(/\.(.)/, '.+')],
    ['with a blank', (): string => text.replace('.', '. ')],
    ['with a part too few', (): string => text.replace(/\.[^.]*$/, '')],
    ['with a part too many', (): string => `${text}.AAAA`],
    ['with an empty part', (): string => text.replace(/\..*\./, '..')],
    ['without any', (): string => ''],
  ])('cannot when it is %s', (_, made) => {
    expect(canBeAccessToken(made())).toBe(false);
  });

  it('of exactly 1 KiB can, one of a character more cannot', () => {
    const ofLength = (length: number): string => `AA.AA.${'AAAA'.repeat(254)}${'A'.repeat(length - 1_022)}`;

    expect([1_024, 1_025].map((length) => [ofLength(length).length, canBeAccessToken(ofLength(length))])).toEqual([
      [1_024, true],
      [1_025, false],
    ]);
  });
});
