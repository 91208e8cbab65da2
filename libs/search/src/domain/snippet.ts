import type { Slices } from '@edgechat/kernel';
import { foldedChunks, originalSpans, type Span } from './fold.js';
import { Matcher } from './matcher.js';
import { wantedOf, type Phase, type SearchQuery } from './query.js';
import { endBetweenWords, forward, MAX_CHARACTERS, windowAround } from './snippet-window.js';
import { WordReader } from './words.js';

/** A piece of a message's text, and whether it is a word that was looked for. */
export interface SnippetPiece {
  readonly text: string;
  readonly match: boolean;
}

/** Where a chunk begins in the text, and in the folded text. */
interface ChunkStart {
  readonly start: number;
  readonly folded: number;
}

/**
 * A part of the text around the first word that was looked for, at most 160 characters; the pieces put together are it. Of a query that matches every text: the beginning. Null when the text does not
 * match. Reads the text once, in steps of about 1,000 UTF-16 units, wherever the match stands and whatever is looked for.
 * @param phase `whole`: the last word must be there; else a word must begin with it. (Whether the whole word is there, too, is for the index to say: it may stand where that ends.)
 */
export async function matchText(
  text: string,
  query: SearchQuery,
  phase: Phase,
  slices: Slices,
): Promise<readonly SnippetPiece[] | null> {
  const wanted = wantedOf(query, phase === 'beginning' ? 'either' : phase);
  if (wanted.required.length === 0 && wanted.beginning === null && wanted.excluded.length === 0)
    return beginningOf(text);
  const matcher = new Matcher(wanted);
  const chunks = await readText(text, matcher, slices);
  if (!matcher.isFound) return null;

  const pieces = snippetAround(text, matcher.spans, chunks);
  if (slices.take(2 * MAX_CHARACTERS)) await slices.next();
  return pieces;
}

async function readText(text: string, matcher: Matcher, slices: Slices): Promise<ChunkStart[]> {
  const reader = new WordReader(matcher);
  const starts: ChunkStart[] = [];
  let folded = 0;
  let readTo = 0;
  for (const chunk of foldedChunks(text)) {
    reader.read(chunk.folded);
    starts.push({ start: chunk.start, folded });
    folded += chunk.folded.length;
    if (slices.take(chunk.end - readTo)) await slices.next();
    readTo = chunk.end;
    if (matcher.isExcluded || matcher.isSettled) break;
  }
  reader.end();
  return starts;
}

function beginningOf(text: string): SnippetPiece[] {
  const end = endBetweenWords(text, 0, forward(text, 0, MAX_CHARACTERS));
  return end === 0 ? [] : [{ text: text.slice(0, end), match: false }];
}

function snippetAround(text: string, spans: readonly Span[], chunks: readonly ChunkStart[]): SnippetPiece[] {
  const matches = spansOfText(text, spans, chunks);
  const next = matches.next();
  if (next.done === true) return beginningOf(text);
  const first = next.value;
  const { start, end: limit } = windowAround(text, first);
  const shown: Span[] = [{ start: first.start, end: Math.min(first.end, limit) }];
  let end = limit;
  for (const match of matches) {
    if (match.start >= limit) break;
    const last = shown.at(-1);
    // A piece that was folded into several characters can hold more than one match.
    if (last && match.start < last.end) continue;
    if (match.end > limit) {
      end = match.start; // half of a word would be no match
      break;
    }
    shown.push(match);
  }
  return piecesOf(text, { start, end: endBetweenWords(text, shown.at(-1)?.end ?? start, end) }, shown);
}

/** Walks the text from the beginning of the chunk that the first span is in, and no further than can be shown. */
function* spansOfText(text: string, spans: readonly Span[], chunks: readonly ChunkStart[]): Generator<Span> {
  const [first] = spans;
  if (!first) return;
  const n = chunks.findLastIndex(({ folded }) => folded <= first.start);
  const { start, folded } = chunks[n] ?? { start: 0, folded: 0 };
  const part = text.slice(start, forward(text, chunks[n + 1]?.start ?? text.length, MAX_CHARACTERS));
  const inPart = spans.map((span) => ({ start: span.start - folded, end: span.end - folded }));
  for (const span of originalSpans(part, inPart)) yield { start: start + span.start, end: start + span.end };
}

function piecesOf(text: string, { start, end }: Span, matches: readonly Span[]): SnippetPiece[] {
  const pieces: SnippetPiece[] = [];
  const add = (from: number, to: number, match: boolean): void =>
    void (to > from && pieces.push({ text: text.slice(from, to), match }));
  let at = start;
  for (const match of matches) {
    add(at, match.start, false);
    add(match.start, match.end, true);
    at = match.end;
  }
  add(at, end, false);
  return pieces;
}
