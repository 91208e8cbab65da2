import { randomBytes } from 'node:crypto';
import { newSessionId } from '@edgechat/kernel';
import fc from 'fast-check';
import { decodeRefreshToken, encodeRefreshToken, hashRefreshToken } from './refresh-token.js';

const key = randomBytes(32);
const anId = newSessionId();

describe('a refresh token', () => {
  it('says its session and generation, in 70 characters that fit anywhere', () => {
    const token = encodeRefreshToken(key, { sessionId: anId, generation: 4_000_000_000 });
    expect(token).toMatch(/^[A-Za-z0-9_-]{70}$/);
    expect(decodeRefreshToken(key, token)).toEqual({ sessionId: anId, generation: 4_000_000_000 });
  });

  it('is the same each time it is made, so that a lost answer can be given again', () => {
    expect(encodeRefreshToken(key, { sessionId: anId, generation: 2 })).toBe(
      encodeRefreshToken(key, { sessionId: anId, generation: 2 }),
    );
    expect(encodeRefreshToken(key, { sessionId: anId, generation: 3 })).not.toBe(
      encodeRefreshToken(key, { sessionId: anId, generation: 2 }),
    );
  });

  it('is nothing without the key', () => {
    const forged = encodeRefreshToken(randomBytes(32), { sessionId: anId, generation: 1 });
    expect(decodeRefreshToken(key, forged)).toBeNull();
  });

  it('is nothing with any character changed, cut or added', () => {
    const token = encodeRefreshToken(key, { sessionId: anId, generation: 1 });
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=';
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...alphabet), (at, character) => {
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        return changed === token || decodeRefreshToken(key, changed) === null;
      }),
    );
    for (const other of [
      token.slice(1),
      token.slice(0, -1),
      `${token}A`,
      `${token}==`,
      ` ${token}`,
      '',
      '.',
      '\0'.repeat(70),
    ])
      expect(decodeRefreshToken(key, other)).toBeNull();
  });

  it('cannot be found from the hash that is stored', () => {
    const token = encodeRefreshToken(key, { sessionId: anId, generation: 1 });
    expect(hashRefreshToken(token)).toHaveLength(32);
    expect(hashRefreshToken(token).toString('base64url')).not.toContain(token.slice(30));
  });
});
