import fc from 'fast-check';
import { foldedPieces, foldText, originalSpans } from './fold.js';

/** Texts of what folding changes: in length, in order, across characters; and of anything else. */
const unruly = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'ﬁ',
        'ß',
        'ẞ',
        'İ',
        'ı',
        'I',
        'é',
        'e\u0301',
        'e\u0323\u0301',
        'Å',
        'ｶ',
        'ﾞ',
        'ｶﾞ',
        'か',
        '\u3099',
        '㍿',
        '½',
        'ﷺ',
        '한',
        '\u1112',
        '\u1161',
        '\u11ab',
        'ㅎ',
        'ㅏ',
        'Σ',
        'σ',
        'ς',
        'น้ำ',
        '\u0e33',
        '\u200d',
        '\u00ad',
        '\ufe0f',
        '❤',
        '😀',
        '1️⃣',
        '葛\u{e0100}',
        '豈',
        '龥',
        '가',
        '힣',
        'ł',
        'Æ',
        'м\u02bcя',
        'أ',
        'ـ',
        'ّ',
        'שׁ',
        'क़',
        '\u0344',
        ' ',
        'a',
        'Z',
        '-',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

describe('folding', () => {
  it.each([
    ['Über École ﬁn', 'uber ecole fin'],
    ['ΆΛΦΑ ΛΌΓΟΣ', 'αλφα λογοσ'],
    ['Ёлка чай', 'елка чаи'],
    ['Straße STRASSE ẞ', 'strasse strasse ss'],
    ['Zażółć gęślą Łódź', 'zazolc gesla lodz'],
    ['İstanbul Iğdır', 'istanbul igdir'],
    ['Œuvre Ærø Đà Nẵng', 'oeuvre aero da nang'],
    ['ไทย น้ำ', 'ไทย น\u0e49\u0e4dา'],
    ['한국', '한국'],
    ['ﾊﾟﾝ ガ', 'パン ガ'],
    ['ＡＢＣ１２', 'abc12'],
    ['葛\u{e0100} Donau\u00addampf ❤\ufe0f', '葛 donaudampf ❤'],
    ['مُحَمَّد أحمد کـتاب', 'محمد احمد كتاب'],
    ['שָׁלוֹם', 'שלום'],
    ['हिन्दी हिंदी', 'हिंदी हिंदी'],
  ])('takes %s for %s', (text, folded) => {
    expect(foldText(text)).toBe(folded.normalize('NFC'));
  });

  it('is the same piece by piece', () => {
    fc.assert(
      fc.property(unruly, (text) => {
        const pieces = [...foldedPieces(text)];
        expect(pieces.map(({ folded }) => folded).join('')).toBe(foldText(text));
        expect(pieces.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves nothing more to fold', () => {
    fc.assert(
      fc.property(unruly, (text) => expect(foldText(foldText(text))).toBe(foldText(text))),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['a ﬁn b', 'fin', 'ﬁn'],
    ['a ﬁn b', 'in', 'ﬁn'],
    ['x Strasse Straße', 'strasse', 'Strasse'],
    ['İI ıx', 'ix', 'ıx'],
    ['cafe\u0301 au', 'cafe', 'cafe\u0301'],
    ['café au', 'cafe', 'café'],
    ['ｶﾞｽ', 'ガス', 'ｶﾞｽ'],
    ['(㍿)北', '会社', '㍿'],
    ['😀Über😀', 'uber', 'Über'],
    ['Donau\u00addampf!', 'donaudampf', 'Donau\u00addampf'],
    ['葛\u{e0100}飾区', '葛飾', '葛\u{e0100}飾'],
  ])('in %j finds %s again as %j', (text, word, original) => {
    const start = foldText(text).indexOf(word);

    expect(
      [...originalSpans(text, [{ start, end: start + word.length }])].map((span) => text.slice(span.start, span.end)),
    ).toEqual([original]);
  });
});
