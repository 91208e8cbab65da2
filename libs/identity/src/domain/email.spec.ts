import { parseEmail } from './email.js';

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

  it('is compared without case, by its mailbox, and by the spelling that was given where that decides', () => {
    expect(parseEmail('Jörg@ＢÜCHER.example')).toEqual({
      address: 'Jörg@ＢÜCHER.example',
      key: 'jörg@ｂücher.example',
      mailboxKey: 'jörg@xn--bcher-kva.example',
    });
  });

  it.each(['x@bücher。example', 'x@bücher．example', 'x@bücher｡example', 'x＠bücher.example', 'x@a\u200db.example'])(
    'has its dots and its @ in ASCII, and no joiners: %s',
    (text) => {
      expect(parseEmail(text)).toBeNull();
    },
  );
});
