import { createSecretKey, randomBytes } from 'node:crypto';
import { accountId, newSessionId } from '@edgechat/kernel';
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { encodeAccessToken } from './access-token.js';

describe('an access token', () => {
  const key = createSecretKey(randomBytes(32));
  const nowS = Math.floor(Date.now() / 1_000);
  const token = {
    accountId: accountId(7),
    sessionId: newSessionId(),
    registeredAtS: null,
    issuedAtS: nowS,
    expiresAtS: nowS + 900,
  };

  it('is what any reader of JWTs takes for one, and says whom it speaks for and until when', async () => {
    const text = encodeAccessToken(key, token);

    expect(decodeProtectedHeader(text)).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect((await jwtVerify(text, key, { algorithms: ['HS256'] })).payload).toEqual({
      type: 'access',
      sid: token.sessionId,
      sub: '7',
      iat: nowS,
      exp: nowS + 900,
    });
  });

  it('says when an account was made that is new', async () => {
    const text = encodeAccessToken(key, { ...token, registeredAtS: nowS - 60 });

    expect((await jwtVerify(text, key)).payload).toMatchObject({ reg: nowS - 60 });
  });

  it('is, to the last character, the one that releases before this one signed', async () => {
    const before = await new SignJWT({ type: 'access', sid: token.sessionId })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject('7')
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + 900)
      .sign(key);

    expect(encodeAccessToken(key, token)).toBe(before);
  });

  it('of another key is taken by nobody', async () => {
    await expect(jwtVerify(encodeAccessToken(createSecretKey(randomBytes(32)), token), key)).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    });
  });
});
