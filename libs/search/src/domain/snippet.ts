import { foldText, originalSpans, type Span } from './fold.js';
import { findWords, type SearchQuery } from './query.js';

/** A piece of a message's text, and whether it is a word that was looked for. */
export interface SnippetPiece {
  readonly text: string;
  readonly match: boolean;
}

const MAX_CHARACTERS = 160;
/** As much is shown before the first match where the text goes on behind it. */
const LEAD = 40;
/** A cut may move by so much to fall between words. */
const SLACK = 24;

/** A part of the text around the first word that was looked for, at most 160 characters; the pieces put together are it. Null when a word is not there. */
export function snippetOf(text: string, query: SearchQuery): SnippetPiece[] | null {
  const found = findWords(foldText(text), query);
  if (!found) return null;

  const matches = originalSpans(text, found);
  const next = matches.next();
  if (next.done === true) return null;
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

function windowAround(text: string, first: Span): Span {
  const matched = countUpTo(text, first.start, first.end, MAX_CHARACTERS);
  // Near the end of a text there is room for more of what comes before.
  const lead = Math.min(
    MAX_CHARACTERS - matched,
    Math.max(LEAD, MAX_CHARACTERS - countUpTo(text, first.start, text.length, MAX_CHARACTERS)),
  );
  const start = beginBetweenWords(text, backward(text, first.start, lead), first.start);
  return { start, end: forward(text, start, MAX_CHARACTERS) };
}

function beginBetweenWords(text: string, from: number, first: number): number {
  if (/(?:^|\s)$/u.test(text.slice(Math.max(0, from - 1), from))) return from;
  const near = Math.min(first, from + SLACK);
  const gap = /^\S*\s+/u.exec(text.slice(from, near));
  return gap === null || from + gap[0].length >= near ? from : from + gap[0].length;
}

function endBetweenWords(text: string, from: number, end: number): number {
  if (/^(?:$|\s)/u.test(text.slice(end, end + 1))) return end;
  const near = Math.max(from, end - SLACK);
  const gap = /\s+\S*$/u.exec(text.slice(near, end));
  return gap === null ? end : near + gap.index;
}

/** The place `count` characters further on, or the end. */
function forward(text: string, from: number, count: number): number {
  let at = from;
  for (let i = 0; i < count && at < text.length; i += 1) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

/** The place `count` characters before, or the beginning. */
function backward(text: string, from: number, count: number): number {
  let at = from;
  for (let i = 0; i < count && at > 0; i += 1) at -= at > 1 && (text.codePointAt(at - 2) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

function countUpTo(text: string, from: number, to: number, max: number): number {
  let count = 0;
  for (let at = from; at < to && count < max; count += 1) at = forward(text, at, 1);
  return count;
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
