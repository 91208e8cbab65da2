import type { Span } from './fold.js';

/** Of a word the first 128 characters are compared. */
const MAX_WORD_LENGTH = 128;

/** Scripts written without spaces between words, or (Korean) found by any part of one. With the signs that they share, such as the Japanese mark of a long vowel. */
const UNSPACED = [
  'Han',
  'Hiragana',
  'Katakana',
  'Bopomofo',
  'Yi',
  'Hangul',
  'Thai',
  'Lao',
  'Khmer',
  'Myanmar',
  'Tai_Le',
  'New_Tai_Lue',
  'Tai_Tham',
  'Tai_Viet',
  'Javanese',
  'Balinese',
]
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join('');
/** Of \u02b9 to \u02bf, apostrophes and such, Unicode says that they are letters; to people they are signs. */
const LETTERS = '[[\\p{L}\\p{N}\\p{M}]--[\\u02b9-\\u02bf]]';
const RUNS = new RegExp(`([${LETTERS}&&[${UNSPACED}]]+)|[${LETTERS}--[${UNSPACED}]]+`, 'gv');

/** A word of a folded text; or a stretch of an unspaced script, which holds words but does not part them. Signs part words. */
export interface Run extends Span {
  /** Of a word, as much as is compared. */
  readonly text: string;
  readonly isUnspaced: boolean;
}

/** The words of a folded text, in order. */
export function* runsOf(folded: string): Generator<Run> {
  for (const match of folded.matchAll(RUNS)) {
    const [text, unspaced] = match;
    const isUnspaced = unspaced !== undefined;
    yield {
      start: match.index,
      end: match.index + text.length,
      text: isUnspaced ? text : firstCharacters(text),
      isUnspaced,
    };
  }
}

function firstCharacters(word: string): string {
  return word.length <= MAX_WORD_LENGTH
    ? word
    : Array.from(word.slice(0, MAX_WORD_LENGTH * 2))
        .slice(0, MAX_WORD_LENGTH)
        .join('');
}
