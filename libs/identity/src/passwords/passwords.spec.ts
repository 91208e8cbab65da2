import { hash } from '@node-rs/argon2';
import { hash as bcryptHash } from '@node-rs/bcrypt';
import { fitPassword, formsOf, hashPassword, isOutdated, NOBODYS_HASH, verifyPassword } from './passwords.js';

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

  it.each([
    ['cre\u0300me bru\u0302le\u0301e', 'crème brûlée'],
    ['a\u00a0b\u2003c\u3000d\u202fe', 'a b c d e'],
    ['\u212bngstrom', 'Ångstrom'],
  ])('are tried as every keyboard gives them, then as they were sent: %j', (sent, form) => {
    expect(formsOf(sent)).toEqual([form, sent]);
    expect(formsOf(form)).toEqual([form]);
  });

  it.each(['correct horse battery', 'ﬁsh', 'fish', 'Ｆish', 'a\tb', 'a\u200bb', ' \n', ''])(
    'are otherwise one form, and keep case, width and what is never drawn: %j',
    (password) => {
      expect(formsOf(password)).toEqual([password]);
    },
  );

  it('fit a hash in either composition', async () => {
    const stored = await hashPassword('cre\u0300me bru\u0302le\u0301e');
    expect(await fitPassword('crème brûlée', stored)).toBe('right');
    expect(await fitPassword('cre\u0300me bru\u0302le\u0301e', stored)).toBe('right');
    expect(await fitPassword('creme brulee', stored)).toBe('wrong');
  });

  it('fit a hash of before as they were sent, and it is outdated', async () => {
    const raw = 'cre\u0300me bru\u0302le\u0301e';
    const stored = await hash(raw, { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    expect(await fitPassword(raw, stored)).toBe('outdated');
    expect(await fitPassword('crème brûlée', stored)).toBe('wrong');
    expect(await fitPassword(raw, await bcryptHash(raw, CHEAPEST))).toBe('outdated');
    expect(await fitPassword('plain', await bcryptHash('plain', CHEAPEST))).toBe('outdated');
    expect(await fitPassword(raw, NOBODYS_HASH)).toBe('wrong');
  });
});
