import {
  ANUSVARA,
  DROPPED,
  GOES_ON,
  goesOn,
  HALF_NASAL,
  HAS_DROPPED,
  HAS_VIRAMA,
  HAS_WRITTEN,
  HAS_WRITTEN_PAIR,
  IS_NORMALISED,
  IS_UNUSUAL,
  JAMO,
  LONG_ROW,
  MAX_GOING_ON,
  needsOf,
  RAISED,
  SIGN_OR_RAISED,
  wideJamo,
  widthAt,
  WRITTEN,
  WRITTEN_CHARACTER,
  WRITTEN_PAIR,
} from './characters.js';

/** In a folded text, on both sides of what is above or below the line: the word is the same as one word and as several. No text holds it: every edge refuses NUL. */
export const JOINT = '\0';

/** UTF-16 units of a chunk, but for what goes on the last character of it. */
const CHUNK = 960;

/** A part of a text, in UTF-16 units: from `start` up to and without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A part of a text, and what it is folded to, which may be longer, or nothing. */
export interface Folded extends Span {
  readonly folded: string;
}

/**
 * A text as it is compared: compatibility forms unified, case folded, accents gone. The same for every database and locale. Each piece (a character with all that goes on it) is folded by itself, so
 * that a text can be folded in parts. Linear in the text's length, whatever the text.
 */
export function foldText(text: string): string {
  let folded = '';
  for (const chunk of foldedChunks(text)) folded += chunk.folded;
  return folded;
}

/** A text in chunks of about 1,000 UTF-16 units that end between two pieces, each folded: put together, they are the folded text. What goes on one character without an end is in chunks of its own, folded to nothing. */
export function* foldedChunks(text: string): Generator<Folded> {
  let start = 0;
  let isCut = false;
  while (start < text.length) {
    const end = chunkEnd(text, start);
    let seen = start;
    if (isCut) while (seen < end && goesOn(text, seen)) seen += widthAt(text, seen);
    yield { start: seen, end, folded: foldChunk(text.slice(seen, end)) };
    isCut = end < text.length && goesOn(text, end);
    start = end;
  }
}

/** Where at least as many characters go on as count, the chunk ends: the rest of that row is not seen. */
function chunkEnd(text: string, start: number): number {
  let end = Math.min(start + CHUNK, text.length);
  if (widthAt(text, end - 1) === 2) end += 1;
  const furthest = Math.min(end + 2 * MAX_GOING_ON, text.length);
  while (end < furthest && goesOn(text, end)) end += widthAt(text, end);
  return end;
}

const ASCII = /^[\0-\x7f]*$/;

/** A piece, or any number of them that are as long as a chunk together. */
function foldChunk(chunk: string): string {
  return ASCII.test(chunk) ? chunk.toLowerCase() : (foldEach(chunk) ?? foldTogether(chunk));
}

/** What single UTF-16 units are folded to that are a piece by themselves, and folded to one; 0 for all others, and those not met yet. */
const single = new Uint16Array(0x10000);
/** What all others are folded to by themselves. */
const several = new Map<number, string>();
/** Of a chunk, as it is folded: of each unit at most 18 come, and two joints or blanks. */
const units = new Uint16Array(20 * (CHUNK + 2 * MAX_GOING_ON + 2));

/** Marks of Devanagari that normalisation leaves where they are, and as they are, behind a character of Devanagari; or that are dropped. */
const isStaying = (code: number): boolean =>
  (code >= 0x900 && code <= 0x903) ||
  (code >= 0x93a && code <= 0x94f && code !== 0x93d) ||
  (code >= 0x955 && code <= 0x957);
const isDevanagari = (unit: number): boolean => unit >= 0x900 && unit <= 0x97f;
const VIRAMA = 0x94d;
const HALF_NASALS: ReadonlySet<number> = new Set([0x919, 0x91e, 0x923, 0x928, 0x92e]);

/** What a text is folded to whose pieces are one character each, or of Devanagari: from a table, several times as fast as by normalisation. Null of another. */
function foldEach(chunk: string): string | null {
  let length = 0;
  let row = 0;
  for (let at = 0; at < chunk.length; at += 1) {
    const unit = single[chunk.charCodeAt(at)] ?? 0;
    if (unit !== 0) {
      units[length] = unit;
      length += 1;
      row = 0;
      continue;
    }
    const code = chunk.codePointAt(at) ?? 0;
    const before = length === 0 ? 0 : (units[length - 1] ?? 0);
    row = (needsOf(code) & GOES_ON) === 0 ? 0 : row + 1;
    if (row > 0 && (row > MAX_GOING_ON || !isStaying(code) || !isDevanagari(before))) return null;
    if (code === VIRAMA && HALF_NASALS.has(before)) {
      units[length - 1] = ANUSVARA.charCodeAt(0);
      continue;
    }
    const folded = several.get(code) ?? learn(code);
    for (let i = 0; i < folded.length; i += 1) units[length + i] = folded.charCodeAt(i);
    length += folded.length;
    if (code > 0xffff) at += 1;
  }
  return Buffer.from(units.buffer, 0, 2 * length).toString('utf16le');
}

function learn(code: number): string {
  const folded = foldTogether(String.fromCodePoint(code));
  const isPiece = (needsOf(code) & GOES_ON) === 0;
  if (code <= 0xffff && folded.length === 1 && isPiece) single[code] = folded.charCodeAt(0);
  else several.set(code, folded);
  return folded;
}

/** What any text is folded to, whose pieces normalisation does not mix. */
function foldTogether(text: string): string {
  let needs = 0;
  let row = 0;
  let longestRow = 0;
  for (let at = 0; at < text.length;) {
    const code = text.codePointAt(at) ?? 0;
    const needed = needsOf(code);
    needs |= needed;
    row = (needed & GOES_ON) === 0 ? 0 : row + 1;
    if (row > longestRow) longestRow = row;
    at += code > 0xffff ? 2 : 1;
  }
  const bounded = longestRow > MAX_GOING_ON ? text.replace(LONG_ROW, '$1') : text;
  return (needs & IS_UNUSUAL) === 0 ? unify(bounded, needs) : foldUnusual(bounded, needs);
}

function foldUnusual(chunk: string, needs: number): string {
  return chunk
    .replace(SIGN_OR_RAISED, (sign) => (RAISED.test(sign) ? JOINT + sign + JOINT : ` ${sign} `))
    .split(JAMO)
    .map((part, i) => (i % 2 === 0 ? unify(part, needs) : Array.from(part, wide).join('')))
    .join('');
}

const wide = (jamo: string): string => String.fromCharCode(wideJamo(jamo.charCodeAt(0)));

/** Does only what is needed by some character: a step that changes nothing costs as much as one that does. */
function unify(text: string, needs: number): string {
  const isNormalised = (needs & IS_NORMALISED) !== 0;
  let folded = isNormalised ? text.normalize('NFKD') : text;
  if ((needs & HAS_DROPPED) !== 0) folded = folded.replace(DROPPED, '');
  if ((needs & HAS_VIRAMA) !== 0) folded = folded.replace(HALF_NASAL, ANUSVARA);
  folded = (isNormalised ? folded.normalize('NFC') : folded).toLowerCase();
  if ((needs & HAS_WRITTEN) !== 0) folded = folded.replace(WRITTEN_CHARACTER, write);
  if ((needs & HAS_WRITTEN_PAIR) !== 0) folded = folded.replace(WRITTEN_PAIR, write);
  return folded;
}

const write = (character: string): string => WRITTEN.get(character) ?? character;

/** The pieces of a text, each folded by itself: put together, they are the folded text. */
export function* foldedPieces(text: string): Generator<Folded> {
  let start = 0;
  while (start < text.length) {
    let end = start + widthAt(text, start);
    while (end < text.length && goesOn(text, end)) end += widthAt(text, end);
    yield { start, end, folded: foldChunk(text.slice(start, end)) };
    start = end;
  }
}

/**
 * Where spans of a folded text are in the text itself. A span that ends inside of a piece takes the whole piece: half a ligature cannot be shown.
 * @param spans of the folded text, ascending, none empty. Only as much of the text is walked as is asked for.
 */
export function* originalSpans(text: string, spans: Iterable<Span>): Generator<Span> {
  const pieces = foldedPieces(text);
  let piece: Folded = { start: 0, end: 0, folded: '' };
  let foldedEnd = 0;
  const pieceOf = (folded: number): Folded => {
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
