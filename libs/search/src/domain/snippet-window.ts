import type { Span } from './fold.js';

/** Characters of a snippet, at most. */
export const MAX_CHARACTERS = 160;
/** As much is shown before the first match where the text goes on behind it. */
const LEAD = 40;
/** A cut may move by so much to fall between words. */
const SLACK = 24;

/** The part of a text to show around the first match, at most 160 characters. Its end may be within a word. */
export function windowAround(text: string, first: Span): Span {
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

/** An end at most a little earlier that is between words, where there is one behind `from`. */
export function endBetweenWords(text: string, from: number, end: number): number {
  if (/^(?:$|\s)/u.test(text.slice(end, end + 1))) return end;
  const near = Math.max(from, end - SLACK);
  const gap = /\s+\S*$/u.exec(text.slice(near, end));
  return gap === null ? end : near + gap.index;
}

/** The place `count` characters further on, or the end. */
export function forward(text: string, from: number, count: number): number {
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
