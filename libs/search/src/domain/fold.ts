/** What is never seen (joiners, soft hyphens, variation selectors), frames around a character, and the Arabic stretch: a word is the same with and without. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Me}\u0640]/gu;
/** The accents of Latin, Greek and Cyrillic, and the points of Hebrew and Arabic, which most texts leave out. The vowel signs of other scripts are marks, too, but no accents: they stay. */
const ACCENTS =
  /[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]/gu;
/** Letters that people write as others where a keyboard lacks them, though Unicode does not take them apart: Łódź is found by “lodz”, Straße by “strasse”. */
const SPELLED: ReadonlyMap<string, string> = new Map(
  Object.entries({
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
  }),
);
const SPELLED_LETTER = new RegExp(`[${[...SPELLED.keys()].join('')}]`, 'gu');

/** What belongs to the character before it: marks, what is never seen, and the vowels and ends of a Korean syllable that is written in parts. */
const GOES_ON = /^[\p{M}\p{Default_Ignorable_Code_Point}\u0640\u1160-\u11ff]/u;
const FIRST_TO_GO_ON = 0xad;

/** Chinese characters and Korean syllables that are what they are folded to, and stand by themselves: most of what long texts without spaces are made of. */
const isPlain = (code: number): boolean => (code >= 0x4e00 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3);

/** A text as it is compared: compatibility forms unified, case folded, accents gone. The same for every database and locale. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(UNSEEN, '')
    .replace(ACCENTS, '')
    .normalize('NFC')
    .toLowerCase()
    .replace(SPELLED_LETTER, (letter) => SPELLED.get(letter) ?? letter);
}

/** A part of a text, in UTF-16 units: from `start` up to and without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A character with all that goes on it, and what it is folded to, which may be longer, or nothing. */
export interface Piece extends Span {
  readonly folded: string;
}

/** The pieces of a text, each folded by itself: put together, they are the folded text. */
export function* foldedPieces(text: string): Generator<Piece> {
  let start = 0;
  while (start < text.length) {
    let end = start + widthAt(text, start);
    while (end < text.length && goesOn(text, end)) end += widthAt(text, end);
    const piece = text.slice(start, end);
    yield { start, end, folded: end - start === 1 && isPlain(text.charCodeAt(start)) ? piece : foldText(piece) };
    start = end;
  }
}

const widthAt = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

function goesOn(text: string, at: number): boolean {
  const code = text.codePointAt(at) ?? 0;
  return code >= FIRST_TO_GO_ON && !isPlain(code) && GOES_ON.test(String.fromCodePoint(code).normalize('NFKD'));
}

/**
 * Where spans of a folded text are in the text itself. A span that ends inside of a piece takes the whole piece: half a ligature cannot be shown.
 * @param spans of the folded text, ascending, none empty. Only as much of the text is walked as is asked for.
 */
export function* originalSpans(text: string, spans: Iterable<Span>): Generator<Span> {
  const pieces = foldedPieces(text);
  let piece: Piece = { start: 0, end: 0, folded: '' };
  let foldedEnd = 0;
  const pieceOf = (folded: number): Piece => {
    while (foldedEnd <= folded) {
      const next = pieces.next();
      if (next.done === true) break;
      piece = next.value;
      foldedEnd += piece.folded.length;
    }
    return piece;
  };
  for (const { start, end } of spans) yield { start: pieceOf(start).start, end: pieceOf(end - 1).end };
}
