/** What is never seen (joiners, soft hyphens, variation selectors), frames around a character, and the Arabic stretch: a word is the same with and without. */
const UNSEEN = '\\p{Default_Ignorable_Code_Point}\\p{Me}\\u0640';
/**
 * The accents of Latin, Greek and Cyrillic, the points of Hebrew and Arabic, and the dot below of Devanagari, which most texts leave out. The vowel signs of other scripts are marks, too, but no
 * accents: they stay.
 */
const ACCENTS =
  '\\u0300-\\u036f\\u0483-\\u0487\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u05c4\\u05c5\\u05c7\\u0610-\\u061a\\u064b-\\u065f\\u0670\\u06d6-\\u06dc\\u06df-\\u06e4\\u06e7\\u06e8\\u06ea-\\u06ed\\u093c\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\ufe20-\\ufe2f';
/** What is left out of a folded text. */
export const DROPPED = new RegExp(`[${UNSEEN}${ACCENTS}]+`, 'gv');

/**
 * What belongs to the character before it: marks, what is never seen, the vowels and ends of a Korean syllable that is written in parts, and whatever else normalisation spells out from such a
 * character on, or composes with the one before. By its class alone, without normalising each character; a spec compares it with what normalisation does, for every code point.
 */
const GOES_ON_CLASS =
  '[\\p{M}\\p{Default_Ignorable_Code_Point}\\u0640\\u0e33\\u0eb3\\u1160-\\u11ff\\ufcf2-\\ufcf4\\ufe71\\ufe77\\ufe79\\ufe7b\\ufe7d\\ufe7f\\uff9e\\uff9f\\u{16d67}\\u{16d68}]';
const GOES_ON_ALONE = new RegExp(`^${GOES_ON_CLASS}`, 'v');
/** Of a row of characters that go on so many count, as in UAX #15's stream-safe text: what normalisation does with a longer one grows with the square of its length. */
export const MAX_GOING_ON = 30;
export const LONG_ROW = new RegExp(`(${GOES_ON_CLASS}{${MAX_GOING_ON}})${GOES_ON_CLASS}+`, 'gv');

/** Digits and letters above and below the line. */
const RAISED_CLASS = '\\u2070\\u00b9\\u00b2\\u00b3\\u2074-\\u2079\\u2080-\\u2089\\u00aa\\u00ba';
/** Signs that normalisation may spell out with letters or digits (№, ™, ½, ㍿, ⑴), though they are no letters themselves. Of the commonest that it changes all are left out that it does not spell so. */
const SIGN_CLASS =
  '[\\p{Changes_When_NFKC_Casefolded}--[\\p{L}\\p{M}\\p{Nd}\\p{Alphabetic}\\p{Default_Ignorable_Code_Point}\\u00a0\\u2026\\u3000\\uff01-\\uffee]]';
const JAMO_CLASS =
  '\\u3131-\\u3163\\u3165-\\u318e\\uffa1-\\uffbe\\uffc2-\\uffc7\\uffca-\\uffcf\\uffd2-\\uffd7\\uffda-\\uffdc';
export const SIGN_OR_RAISED = new RegExp(`[${RAISED_CLASS}${SIGN_CLASS}]`, 'gv');
export const RAISED = new RegExp(`^[${RAISED_CLASS}]`, 'v');
/** Korean letters that stand by themselves, of full and of half width. */
export const JAMO = new RegExp(`([${JAMO_CLASS}]+)`, 'v');
const UNUSUAL = new RegExp(`[${RAISED_CLASS}${JAMO_CLASS}${SIGN_CLASS}]`, 'v');

/** In Hindi न् and its like before another consonant is mostly written as a dot above: हिन्दी, हिंदी. */
export const HALF_NASAL = /[\u0919\u091e\u0923\u0928\u092e]\u094d/gu;
export const ANUSVARA = '\u0902';

/** Letters that people write as others, or as another keyboard has them, though Unicode does not take them apart: Łódź is found by “lodz”, Straße by “strasse”, کتاب by “كتاب”. */
const SPELLED = Object.entries({
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ł: 'l',
  ŧ: 't',
  þ: 'th',
  ς: 'σ',
  '\u06cc': '\u064a', // Persian ی
  '\u0649': '\u064a', // ى
  '\u06a9': '\u0643', // Persian ک
  '\u0629': '\u0647', // ة
  '\u0901': ANUSVARA, // ँ
});

/** The zeros of all scripts whose digits normalisation leaves as they are. The other nine follow each. A spec compares them with \p{Nd}. */
const ZEROS = [
  0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
  0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
  0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
  0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0,
  0x11de0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950,
];
const DIGITS = ZEROS.flatMap((zero) =>
  Array.from({ length: 10 }, (_, n): [string, string] => [String.fromCodePoint(zero + n), String(n)]),
);

/** The ends of Korean syllables in the order of Unicode, U+11A8 on, as letters that stand by themselves. */
const KOREAN_ENDS = 'ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ';
/** Parts of Korean syllables as letters that stand by themselves, for those that are part of none. */
const LONE_JAMO = [
  ...Array.from(KOREAN_ENDS, (jamo, i): [string, string] => [String.fromCodePoint(0x11a8 + i), jamo]),
  ...Array.from({ length: 0x318f - 0x3131 }, (_, i) => String.fromCodePoint(0x3131 + i))
    .filter((jamo) => jamo !== '\u3164')
    .map((jamo): [string, string] => [jamo.normalize('NFKD'), jamo]),
];

/** What single characters of a normalised text are folded to. */
export const WRITTEN: ReadonlyMap<string, string> = new Map([...SPELLED, ...DIGITS, ...LONE_JAMO]);
/** In two: where surrogates need not be looked at, an expression is several times as fast. */
export const WRITTEN_CHARACTER = new RegExp(
  `[${[...WRITTEN.keys()].filter(({ length }) => length === 1).join('')}]`,
  'g',
);
export const WRITTEN_PAIR = new RegExp(`[${[...WRITTEN.keys()].filter(({ length }) => length === 2).join('')}]`, 'gu');

/** Of half width in the order of Unicode, U+FFA1 on; those between are none. */
const HALFWIDTH_FROM = [
  [0xffda, 0x3161],
  [0xffd2, 0x315b],
  [0xffca, 0x3155],
  [0xffc2, 0x314f],
  [0xffa1, 0x3131],
] as const;

/** Of a Korean letter that stands by itself, the one of full width. */
export function wideJamo(code: number): number {
  const [from, to] = HALFWIDTH_FROM.find(([first]) => code >= first) ?? [0, 0];
  return code - from + to;
}

/** What folding has to do with a character, in bits. A text needs the steps that its characters need. */
export const GOES_ON = 1;
export const IS_UNUSUAL = 2;
/** Normalisation changes it, or may, by what is beside it. */
export const IS_NORMALISED = 4;
export const HAS_DROPPED = 8;
export const HAS_VIRAMA = 16;
export const HAS_WRITTEN = 32;
export const HAS_WRITTEN_PAIR = 64;
const IS_KNOWN = 128;

/** Of each code point that was met. */
const needs = new Uint8Array(0x110000);

/** What folding has to do with a character. */
export function needsOf(code: number): number {
  return needs[code] || learn(code);
}

function learn(code: number): number {
  const character = String.fromCodePoint(code);
  const goesOn = GOES_ON_ALONE.test(character);
  const spelled = character.normalize('NFKD');
  const bits =
    IS_KNOWN |
    (goesOn ? GOES_ON : 0) |
    (UNUSUAL.test(character) ? IS_UNUSUAL : 0) |
    (goesOn || spelled !== character ? IS_NORMALISED : 0) |
    (spelled.replace(DROPPED, '') === spelled ? 0 : HAS_DROPPED) |
    (spelled.includes('\u094d') ? HAS_VIRAMA : 0) |
    (isWritten(spelled, WRITTEN_CHARACTER) ? HAS_WRITTEN : 0) |
    (isWritten(spelled, WRITTEN_PAIR) ? HAS_WRITTEN_PAIR : 0);
  needs[code] = bits;
  return bits;
}

/** Of a small sigma only what is beside it tells whether it will be a final one. */
function isWritten(spelled: string, written: RegExp): boolean {
  const small = spelled.replace(DROPPED, '').normalize('NFC').toLowerCase();
  return small.search(written) >= 0 || small.includes('σ');
}

/** UTF-16 units of the character at a place. */
export const widthAt = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

/** True where a character belongs to the one before it. */
export const goesOn = (text: string, at: number): boolean => (needsOf(text.codePointAt(at) ?? 0) & GOES_ON) !== 0;
