/** Of a message the first 16,000 words are searchable, of a word its first 128 characters. */
const MAX_WORDS = 16_000;
const MAX_WORD_LENGTH = 128;
/** A tsvector may have 1 MiB, places included. */
const MAX_TERM_BYTES = 512 * 1024;

const WORD = /[\p{L}\p{N}\p{M}]+/gu;
/** Scripts written without spaces between words, or (Korean) found by any part of one. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/u;
const RUNS = new RegExp(`(${UNSPACED.source})`, 'u');
/** The accents of Latin, Greek and Cyrillic. The vowel signs of other scripts are marks, too, but no accents: they stay. */
const ACCENTS = /[\u0300-\u036f]/g;

/** A text as it is compared: compatibility forms unified, case folded, accents gone. The same for every database and locale. */
export function foldText(text: string): string {
  return text.normalize('NFKD').replace(ACCENTS, '').normalize('NFC').toLowerCase();
}

/**
 * The terms that a text is found by, each once, in no order: whole words of languages with spaces; of unspaced scripts each character and each two neighbours,
 * by which any part of a run can be found. Signs part words.
 */
export function indexTerms(text: string): string[] {
  const terms = new Set<string>();
  let bytes = 0;
  for (const term of termsOf(text)) {
    if (terms.has(term)) continue;
    bytes += Buffer.byteLength(term);
    if (bytes > MAX_TERM_BYTES) break;
    terms.add(term);
  }
  return [...terms];
}

function* termsOf(text: string): Generator<string> {
  let words = 0;
  for (const [word] of foldText(text).matchAll(WORD)) {
    if (words === MAX_WORDS) return;
    words += 1;
    for (const run of word.split(RUNS)) if (run !== '') yield* termsOfRun(run);
  }
}

function* termsOfRun(run: string): Generator<string> {
  const characters = Array.from(run);
  if (!UNSPACED.test(run)) {
    yield characters.slice(0, MAX_WORD_LENGTH).join('');
    return;
  }
  for (const [i, character] of characters.entries()) {
    yield character;
    const next = characters[i + 1];
    if (next !== undefined) yield character + next;
  }
}
