import { JOINT, type Span } from './fold.js';

/** Of a word the first 128 characters are compared. */
const MAX_WORD_LENGTH = 128;

/** Scripts written without spaces between words, or (Korean) found by any part of one. With the signs that they share, such as the Japanese mark of a long vowel. */
const UNSPACED_SCRIPTS = [
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
const LETTER = new RegExp(LETTERS, 'v');
const UNSPACED_LETTER = new RegExp(`[${LETTERS}&&[${UNSPACED_SCRIPTS}]]`, 'v');
const DIGIT_AT_END = /\p{N}$/u;
const DIGIT_AT_BEGINNING = /^\p{N}/u;

/** What a character of a folded text is to words. */
const SIGN = 1;
const UNSPACED = 2;
const SPACED = 3;
const JOINING = 4;
/** Of each code point that was met. */
const kinds = new Uint8Array(0x110000);
kinds[JOINT.charCodeAt(0)] = JOINING;

const kindOf = (code: number): number => kinds[code] || learn(code);
function learn(code: number): number {
  const character = String.fromCodePoint(code);
  const kind = !LETTER.test(character) ? SIGN : UNSPACED_LETTER.test(character) ? UNSPACED : SPACED;
  kinds[code] = kind;
  return kind;
}

/** Takes the words of a text, in order, as they are read. Places are of the whole folded text. */
export interface WordSink {
  /**
   * A word of a script with spaces.
   * @param text as much of it as is compared, without joints
   * @param parts what its joints part it into, as far as it is compared; empty when it has none
   */
  word(text: string, parts: readonly string[], start: number, end: number): void;
  /**
   * A character of an unspaced script.
   * @param isApart whether a stretch of them begins with it
   */
  character(code: number, start: number, end: number, isApart: boolean): void;
}

/**
 * Reads the words of a folded text that comes in chunks; a word or stretch may go on in the next one. Signs part words. A joint parts a word only between two digits. Holds of a word no more than is
 * compared.
 */
export class WordReader {
  private readonly open = new OpenWord();
  private readTo = 0;
  /** Of the word that is read. */
  private hasJoints = false;
  /** The end of an unspaced stretch that may go on. */
  private stretchEnd = -1;

  constructor(private readonly sink: WordSink) {}

  read(folded: string): void {
    const from = this.readTo;
    this.readTo += folded.length;
    for (let at = 0; at < folded.length;) {
      const code = folded.codePointAt(at) ?? 0;
      const kind = kindOf(code);
      if (kind >= SPACED) {
        const end = this.endOfWord(folded, at);
        this.readWord(folded.slice(at, end), from + at);
        at = end;
        continue;
      }
      this.open.close(this.sink);
      const next = at + (code > 0xffff ? 2 : 1);
      if (kind === UNSPACED) this.readCharacter(code, from + at, from + next);
      at = next;
    }
  }

  /** The text is over. */
  end(): void {
    this.open.close(this.sink);
  }

  private endOfWord(folded: string, from: number): number {
    this.hasJoints = false;
    let at = from;
    while (at < folded.length) {
      const code = folded.codePointAt(at) ?? 0;
      const kind = kindOf(code);
      if (kind < SPACED) break;
      if (kind === JOINING) this.hasJoints = true;
      at += code > 0xffff ? 2 : 1;
    }
    return at;
  }

  private readWord(run: string, start: number): void {
    const end = start + run.length;
    if (this.open.isOpen || this.hasJoints || run.length > MAX_WORD_LENGTH || end === this.readTo)
      this.open.add(run, start, this.sink);
    else this.sink.word(run, NO_PARTS, start, end);
  }

  private readCharacter(code: number, start: number, end: number): void {
    this.sink.character(code, start, end, this.stretchEnd !== start);
    this.stretchEnd = end;
  }
}

const NO_PARTS: readonly string[] = [];

/** A word that may go on in the next chunk, or has joints. */
class OpenWord {
  isOpen = false;
  end = -1;
  private start = 0;
  private lettersEnd = 0;
  private parts: string[] = [];
  private part = '';
  /** Characters of the word that are compared, of this and all parts before. */
  private length = 0;
  private isAfterJoint = false;
  private isAfterDigit = false;

  /** Takes more of the word: letters with joints inside. */
  add(run: string, start: number, sink: WordSink): void {
    let at = start;
    for (const [i, letters] of run.split(JOINT).entries()) {
      if (i > 0) {
        this.isAfterJoint = !this.isAfterJoint; // two of them are none
        at += JOINT.length;
      }
      if (letters !== '') this.addLetters(letters, at, sink);
      at += letters.length;
    }
    this.end = at;
  }

  close(sink: WordSink): void {
    if (!this.isOpen && this.end < 0) return;
    if (this.isOpen) {
      const text = this.parts.join('') + this.part;
      const parts = this.part === '' ? this.parts : [...this.parts, this.part];
      sink.word(text, parts.length > 1 ? parts : NO_PARTS, this.start, this.lettersEnd);
    }
    this.isOpen = false;
    this.isAfterJoint = false;
    this.end = -1;
  }

  private addLetters(letters: string, start: number, sink: WordSink): void {
    if (this.isOpen && this.isAfterJoint && this.isAfterDigit && DIGIT_AT_BEGINNING.test(letters)) this.close(sink);
    if (!this.isOpen) {
      this.isOpen = true;
      this.start = start;
      this.parts = [];
      this.part = '';
      this.length = 0;
    } else if (this.isAfterJoint && this.part !== '') {
      this.parts.push(this.part);
      this.part = '';
    }
    const compared = firstCharacters(letters, MAX_WORD_LENGTH - this.length);
    this.part += compared.text;
    this.length += compared.length;
    this.isAfterJoint = false;
    this.isAfterDigit = DIGIT_AT_END.test(letters.slice(-2));
    this.lettersEnd = start + letters.length;
  }
}

function firstCharacters(letters: string, count: number): { readonly text: string; readonly length: number } {
  if (count === 0) return { text: '', length: 0 };
  const characters = Array.from(letters.slice(0, 2 * count)).slice(0, count);
  return { text: characters.join(''), length: characters.length };
}

/** A word; or a stretch of an unspaced script, which holds words but does not part them. */
export interface Run extends Span {
  /** Of a word, as much as is compared. */
  readonly text: string;
  /** What the joints of a word part it into. */
  readonly parts: readonly string[];
  readonly isUnspaced: boolean;
}

/** The words of a folded text, in order: of a short one. */
export function runsOf(folded: string): Run[] {
  const runs: Run[] = [];
  const reader = new WordReader({
    word: (text, parts, start, end) => void runs.push({ text, parts, isUnspaced: false, start, end }),
    character: (code, start, end, isApart) => {
      const text = String.fromCodePoint(code);
      const last = isApart ? undefined : runs.pop();
      runs.push({
        text: (last?.text ?? '') + text,
        parts: NO_PARTS,
        isUnspaced: true,
        start: last?.start ?? start,
        end,
      });
    },
  });
  reader.read(folded);
  reader.end();
  return runs;
}
