import { hashInviteCode, INVITE_CODE_MAX_CHARACTERS, newInviteCode } from './invite-code.js';

describe('an invite code', () => {
  it('has 28 random digits of base 32 in groups of four, and is another each time', () => {
    const codes = Array.from({ length: 200 }, newInviteCode);
    for (const code of codes) expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(new Set(codes).size).toBe(200);
    expect(new Set(codes.join('').replaceAll('-', '')).size).toBe(32);
    expect(codes[0]?.length).toBeLessThanOrEqual(INVITE_CODE_MAX_CHARACTERS);
  });

  it.each([
    (code: string) => code.toLowerCase(),
    (code: string) => code.replaceAll('-', ''),
    (code: string) => ` ${code.replaceAll('-', ' ')}\n`,
    (code: string) => code.replaceAll('-', '\u2013'),
    (code: string) => code.replaceAll('0', 'o').replaceAll('1', 'l'),
    (code: string) => code.replaceAll('1', 'I'),
  ])('is the same however it is written: %s', (write) => {
    const code = `0101-${newInviteCode()}`;
    expect(hashInviteCode(write(code))).toEqual(hashInviteCode(code));
  });

  it('is no code without a character that counts, and another with another one', () => {
    expect([hashInviteCode(''), hashInviteCode(' - ')]).toEqual([null, null]);
    expect(hashInviteCode('7H2K')).not.toEqual(hashInviteCode('7H2M'));
  });
});
