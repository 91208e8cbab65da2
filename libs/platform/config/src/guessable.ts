import { EXAMPLE_WORDS } from './example-words.js';

/** Runs like `1234` are left out from this length on, and repetitions from that: shorter ones are in random text as well. */
const RUN_MIN = 4;
const REPETITION_MIN = 5;

const SECRET_CHARACTERS_MIN = 14;
const SECRET_DIFFERENT_MIN = 6;
const PASSWORD_MIN = 8;
const PASSWORD_CHARACTERS_MIN = 6;
/** A name that is shorter may be in any password. */
const NAME_MIN = 4;

/**
 * True for a secret in which fewer than 14 characters, or fewer than 6 different ones, are left once words of examples, sequences and repetitions are taken out of it.
 *
 * 16 random bytes as 32 hex digits are taken for one less often than once in 10^9, and so are longer ones and those in base32, base64 or letters. Nothing is said for a secret that passes: a line of a poem does.
 */
export function isGuessableSecret(secret: string): boolean {
  const left = unforeseen(secret, []);
  return left.length < SECRET_CHARACTERS_MIN || new Set(left).size < SECRET_DIFFERENT_MIN;
}

/**
 * True for a password of fewer than 8 characters, and for one in which fewer than 6 are left once the names around it (user, database, host) are taken out of it as well.
 */
export function isGuessablePassword(password: string, names: readonly string[]): boolean {
  const known = names.map(folded).filter((name) => name.length >= NAME_MIN);
  return [...password].length < PASSWORD_MIN || unforeseen(password, known).length < PASSWORD_CHARACTERS_MIN;
}

/** The longest first: `changeme` is none of `change` with a rest. */
const EXAMPLES = new RegExp([...EXAMPLE_WORDS].sort((a, b) => b.length - a.length).join('|'), 'gu');

/** The characters of a text that nobody could say from those before them. @param names folded */
function unforeseen(text: string, names: readonly string[]): readonly string[] {
  const unnamed = names.reduce((rest, name) => rest.replaceAll(name, ''), folded(text));
  const rest = unnamed.replace(EXAMPLES, '').replace(/(.)\1+/gsu, '$1');
  return withoutRepetitions(withoutRuns([...rest]));
}

/** Without case, and without what only stands between words. */
const folded = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_.-]/gu, '');

/** Of characters that count up or down, the first one. */
function withoutRuns(characters: readonly string[]): readonly string[] {
  const codes = characters.map((one) => one.codePointAt(0) ?? 0);
  const stepTo = (i: number): number => (codes[i] ?? NaN) - (codes[i - 1] ?? NaN);
  const kept: string[] = [];
  for (let i = 0; i < characters.length;) {
    kept.push(...characters.slice(i, i + 1));
    let end = i + 1;
    const step = stepTo(end);
    if (Math.abs(step) === 1) while (stepTo(end) === step) end += 1;
    i = end - i >= RUN_MIN ? end : i + 1;
  }
  return kept;
}

/** Without what has stood there before, as long as possible; in time that grows with the square of the text at most. */
function withoutRepetitions(characters: readonly string[]): readonly string[] {
  const firstAt = new Map<string, number>();
  const kept: string[] = [];
  for (let i = 0; i < characters.length;) {
    const from = firstAt.get(pieceAt(characters, i));
    let length = 0;
    if (from !== undefined)
      while (i + length < characters.length && characters[from + length] === characters[i + length]) length += 1;
    if (length < REPETITION_MIN) kept.push(...characters.slice(i, i + 1));
    const end = length < REPETITION_MIN ? i + 1 : i + length;
    for (; i < end; i += 1) {
      const piece = pieceAt(characters, i);
      if (!firstAt.has(piece)) firstAt.set(piece, i);
    }
  }
  return kept;
}

const pieceAt = (characters: readonly string[], i: number): string => characters.slice(i, i + REPETITION_MIN).join('');
