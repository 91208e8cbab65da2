import { codePoints, cutText } from '@edgechat/kernel';

/** Longer than any model's answer today, and 400 kB at most: far below what a document or a row may have. */
const MAX_CODE_POINTS = 100_000;

/**
 * Anything but white space, controls, and what Unicode has no picture for: zero-width signs, joiners, marks of direction, variation
 * selectors, tags, fillers, soft hyphens, the blank of Braille.
 */
const VISIBLE = /[^\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u{2800}\u{1D159}\u{16FE4}]/gu;

/**
 * A model's text as every store can keep it: NUL and lone surrogates become U+FFFD, and what is beyond 100,000 code points
 * is left out, which `wasCut` says.
 */
export function storableText(text: string): { readonly text: string; readonly wasCut: boolean } {
  const clean = text.toWellFormed().replaceAll('\0', '\uFFFD');
  const wasCut = codePoints(clean) > MAX_CODE_POINTS;
  return { text: wasCut ? cutText(clean, MAX_CODE_POINTS) : clean, wasCut };
}

/** Whether nobody would see anything of a text. Linear. */
export function isInvisible(text: string): boolean {
  return visibleFrom(text, 0) === text.length;
}

/** Where the first sign stands that somebody would see, from `from` on; the text's length if there is none. Linear. */
export function visibleFrom(text: string, from: number): number {
  VISIBLE.lastIndex = from;
  return VISIBLE.exec(text)?.index ?? text.length;
}
