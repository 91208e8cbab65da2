import fc from 'fast-check';
import { foldedChunks, foldedPieces, foldText, originalSpans } from './fold.js';

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
        '№',
        '¹',
        '₂',
        'ª',
        '⑴',
        'ㅋ',
        'ﾡ',
        'ᄀ',
        '½',
        'न्',
        'ण\u093c\u094d',
        'ँ',
        '٣',
        '๑',
        '𞥐',
        'ة',
        'ی',
        'ﾞ',
        '\ufe77',
        '\u0951',
        '\u{16d63}\u{16d67}',
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

  it.each([
    ['ㅋㅋㅠㅠ', 'ㅋㅋㅠㅠ'],
    ['고마워ㄳ', '고마워ㄳ'],
    ['ﾡﾤￂￜ', 'ㄱㄴㅏㅣ'],
    ['\u1112\u1161\u11ab', '한'],
    ['가\u11a8', '각'],
    ['\u1100 \u1161 \u11aa', 'ㄱ ㅏ ㄳ'],
    ['㉠㉮', ' ㄱ  가 '],
    ['№5', ' no 5'],
    ['Nike™', 'nike tm '],
    ['5½', '5 1⁄2 '],
    ['(㍿)北', '( 株式会社 )北'],
    ['Ⓐ ⅷ ５㎏', 'a viii 5 kg '],
    ['note¹²', 'note\u00001\u0000\u00002\u0000'],
    ['H₂O 1ª', 'h\u00002\u0000o 1\u0000a\u0000'],
    ['ی ي ى ک ك ة ه', 'ي ي ي ك ك ه ه'],
    ['٣ ۳ ३ ๓ ３ 𝟛', '3 3 3 3 3 3'],
    ['क़ क\u093c \u0958', 'क क क'],
    ['पण्डित सम्बन्ध पञ्च चाँद हँस', 'पंडित संबंध पंच चांद हंस'],
  ])('takes %s for %j', (text, folded) => {
    expect(foldText(text)).toBe(folded);
  });

  it('sees the first 30 of a row of what goes on one character, unseen ones among them', () => {
    expect(foldText(`क${'\u0951'.repeat(31)}`)).toBe(`क${'\u0951'.repeat(30)}`);
    expect(foldText(`क${'\u0951\u200d'.repeat(1_000)}म`)).toBe(`क${'\u0951'.repeat(15)}म`);
    expect(foldText(`${'\u0301'.repeat(5_000)}\u093e`)).toBe('');
    expect(foldText(`ｶ${'\u200d'.repeat(29)}ﾞ`)).toBe('ガ');
    expect(foldText(`ｶ${'\u200d'.repeat(30)}ﾞ`)).toBe('カ');
  });

  it('is the same piece by piece, and chunk by chunk', () => {
    fc.assert(
      fc.property(
        unruly,
        fc.nat({ max: 1_100 }),
        fc.constantFrom('x', '字', '\u0301', '\u0951', '\u200d', '😀'),
        (text, length, filler) => {
          const whole = filler.repeat(length) + text + filler.repeat(length);
          const pieces = [...foldedPieces(whole)];
          const chunks = [...foldedChunks(whole)];
          expect(pieces.map(({ folded }) => folded).join('')).toBe(foldText(whole));
          expect(pieces.map(({ start, end }) => whole.slice(start, end)).join('')).toBe(whole);
          expect(chunks.map(({ folded }) => folded).join('')).toBe(foldText(whole));
          expect(Math.max(0, ...chunks.map(({ start, end }) => end - start))).toBeLessThanOrEqual(1_024);
        },
      ),
      { numRuns: 500 },
    );
  }, 60_000);

  it('leaves nothing more to fold', () => {
    fc.assert(
      fc.property(unruly, (text) => expect(foldText(foldText(text))).toBe(foldText(text))),
      { numRuns: 1_000 },
    );
  }, 60_000);

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
