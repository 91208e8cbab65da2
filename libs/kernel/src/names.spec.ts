import { faultOfName } from './names.js';

describe('a name', () => {
  it.each([
    'Ada',
    ' Ada 🦊 e\u0301 ',
    '.',
    '7',
    'می\u200cخواهم',
    'क्\u200dष',
    '👩\u200d👩\u200d👧',
    '❤\ufe0f',
    '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
    'soft\u00adware',
    'ש\u200fלום',
    '\u{1fffd}x',
    '\u{e000}',
    '\u{1fae9}',
  ])('of %j is one', (name) => expect(faultOfName(name)).toBeNull());

  it.each([
    'Ada\nLovelace',
    'Ada\r',
    '\u0007Ada',
    'Ada\u0085',
    'Ada\u009b31m',
    'a\u2028b',
    'a\u2029b',
    '\u202eadA',
    'a\u202ab\u202c',
    '\u2066a\u2069',
  ])('of %j shows as something else', (name) => expect(faultOfName(name)).toBe('deceiving'));

  it.each([
    '',
    '   ',
    '\u00a0\u3000',
    '\u200b',
    '\u200d\ufe0f',
    '\u2800\u2800',
    '\u3164',
    '\u115f\u1160',
    '\u00ad',
    '\u034f',
    '\u{e0067}\u{e007f}',
    '\u0301',
    ' \u0301\u20dd',
    '\ufeff',
  ])('of %j shows as nothing', (name) => expect(faultOfName(name)).toBe('invisible'));
});
