import { hash as bcryptHash } from '@node-rs/bcrypt';
import { hashPassword, isOutdated, NOBODYS_HASH, verifyPassword } from './passwords.js';

const CHEAPEST = 4;

describe('passwords', () => {
  it('are hashed by argon2id after OWASP, and every character counts', async () => {
    const password = 'p'.repeat(1_024);
    const stored = await hashPassword(password);
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(isOutdated(stored)).toBe(false);
    expect(await verifyPassword(password, stored)).toBe(true);
    expect(await verifyPassword(`${password.slice(1)}q`, stored)).toBe(false);
  });

  it.each(['$2a$', '$2b$', '$2y$'])(
    'with a %s hash of the first backend still fit, and are outdated',
    async (prefix) => {
      const stored = prefix + (await bcryptHash('old password', CHEAPEST)).slice(4);
      expect(await verifyPassword('old password', stored)).toBe(true);
      expect(await verifyPassword('other password', stored)).toBe(false);
      expect(isOutdated(stored)).toBe(true);
    },
  );

  it('over 72 bytes are no error for a hash of the first backend', async () => {
    const stored = await bcryptHash('ü'.repeat(36), CHEAPEST);
    expect(await verifyPassword('ü'.repeat(1_024), stored)).toBe(true);
    expect(await verifyPassword('x'.repeat(1_024), stored)).toBe(false);
  });

  it("fit neither nobody's hash nor a text that is no hash", async () => {
    for (const stored of [NOBODYS_HASH, '', '!', '$2b$12$short', 'plain'])
      expect(await verifyPassword('plain', stored)).toBe(false);
    expect(isOutdated(NOBODYS_HASH)).toBe(false);
  });
});
