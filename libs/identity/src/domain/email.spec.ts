import fc from 'fast-check';
import { foldEmail, parseEmail } from './email.js';

describe('an e-mail address', () => {
  it.each([
    'ada@example.com',
    'a.b+c@sub.example.co',
    "o'brien@example.com",
    'jörg@bücher.example',
    '用户@例子.中国',
    `${'a'.repeat(64)}@example.com`,
  ])('is taken as it is given: %s', (text) => {
    expect(parseEmail(text)?.address).toBe(text);
  });

  it.each([
    '',
    'ada',
    '@example.com',
    'ada@',
    'ada@localhost',
    'ada@example..com',
    'ada@.example.com',
    'ada@example.com.',
    'ada@-a.com',
    'ada@a-.com',
    'ada@127.0.0.1',
    'a b@example.com',
    ' ada@example.com',
    'ada@example.com\n',
    '.ada@example.com',
    'ada.@example.com',
    'a..b@example.com',
    'a@b@example.com',
    '"a b"@example.com',
    'ada\0@example.com',
    'ada\ud800@example.com',
    'ada\u200b@example.com',
    'ada\u00a0@example.com',
    `${'a'.repeat(65)}@example.com`,
    `ada@${'a'.repeat(64)}.com`,
    `a@${'abcdefghi.'.repeat(25)}com`,
    '<ada@example.com>',
  ])('is none: %j', (text) => {
    expect(parseEmail(text)).toBeNull();
  });

  it('has at most 254 characters', () => {
    const domain = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.`;
    const longest = `a@${domain}${'d'.repeat(254 - 2 - domain.length)}`;
    expect(longest).toHaveLength(254);
    expect(parseEmail(longest)).not.toBeNull();
    expect(parseEmail(`a${longest}`)).toBeNull();
  });

  it('is compared without case, in any script and either composition', () => {
    expect(foldEmail('ADA@Example.COM')).toBe('ada@example.com');
    expect(foldEmail('JO\u0308RG@B\u00dcCHER.example')).toBe(foldEmail('j\u00f6rg@bu\u0308cher.example'));
    expect(foldEmail('ΝΙΚΟΣ@example.com')).toBe(foldEmail('νικος@example.com'));
    expect(foldEmail('НИНА@example.com')).toBe('нина@example.com');
  });

  it("of somebody else stays somebody else's, however alike it looks", () => {
    expect(foldEmail('m\u0131ke@example.com')).not.toBe(foldEmail('mike@example.com'));
    expect(foldEmail('cha\u017fe@example.com')).not.toBe(foldEmail('chase@example.com'));
  });

  it('folds to what folds to itself', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => foldEmail(foldEmail(text)) === foldEmail(text)));
  });
});
