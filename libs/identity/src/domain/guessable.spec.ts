import fc from 'fast-check';
import { foldPassword, isGuessable } from './guessable.js';

const ADA = { email: 'Ada.Lovelace@bücher.example', names: ['edgechat', 'Our Chat'] };

describe('a password', () => {
  it.each([
    ['blanks', '        '],
    ['blanks of other sorts, and what is never drawn', '\u00a0\u3000\t\u200b \u2003\u2800\u3164\u00ad'],
    ['nothing that is drawn', '\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e'],
    ['one character repeated', '11111111'],
    ['one character in both cases and widths', 'aAａＡaAａＡ'],
    ['one letter with its accent', 'e\u0301'.repeat(8)],
    ['one character that is several', '👨‍👩‍👧'.repeat(4)],
    ['one character that stands for several', '½'.repeat(8)],
    ['the local part', 'ada.lovelace'],
    ['the local part in another case and width', 'ＡＤＡ.Lovelace'],
    ['the local part and a year', 'ada.lovelace1815'],
    ['the whole address', 'ada.lovelace@BÜCHER.example'],
    ['the whole address, composed otherwise', 'ada.lovelace@bu\u0308cher.example'],
    ['the name of the program', 'EdgeChat'],
    ['the name of the program and a sign', 'edgechat!'],
    ['the name of the program and what asks for digits and signs', 'Edgechat123!'],
    ['the name of this service', 'ourchat1'],
    ['the name of this service, with its blanks', ' our  chat 24'],
  ])('is guessed when it is %s', (_, password) => {
    expect(isGuessable(password, ADA)).toBe(true);
  });

  it.each([
    'correct horse battery',
    'aaaaaaab',
    'abababab',
    '😀😁😂🤣😃😄😅😆',
    'ada.lovelace and her engine',
    'ada.lovelace18152', // five more are a guess of their own
    'lovelace.ada',
    'edgechat is slow',
    'my edgechat',
    'our chat room',
    'e\u0301'.repeat(7) + 'e',
    'क' + '\u0951'.repeat(1_023),
  ])('is left to the list when it is %j', (password) => {
    expect(isGuessable(password, ADA)).toBe(false);
  });

  it('is not guessed by a name of nothing, nor by a short one that it only begins with', () => {
    expect(isGuessable('12345!', { email: '@', names: ['', ' ', '\u200b'] })).toBe(false);
    expect(isGuessable('a1234567', { email: 'a@example.com', names: ['a'] })).toBe(false);
  });

  it('is folded to what folds to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => foldPassword(foldPassword(text)) === foldPassword(text)),
    );
  });

  it.each([
    ['Password', 'password'],
    ['ＰＡＳＳＷＯＲＤ', 'password'],
    ['pass\u00adword', 'password'],
    [' password\u3000', 'password'],
    ['pass word', 'pass word'],
  ])('is folded: %j is %j', (password, folded) => {
    expect(foldPassword(password)).toBe(folded);
  });
});
