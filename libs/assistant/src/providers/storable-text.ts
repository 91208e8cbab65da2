import { codePoints, cutText } from '@edgechat/kernel';

/** Longer than any model's answer today, and 400 kB at most: far below what a document or a row may have. */
const MAX_CODE_POINTS = 100_000;

/**
 * A model's text as every store can keep it: NUL and lone surrogates become U+FFFD, and what is beyond 100,000 code points
 * is left out, which `wasCut` says.
 */
export function storableText(text: string): { readonly text: string; readonly wasCut: boolean } {
  const clean = text.toWellFormed().replaceAll('\0', '\uFFFD');
  const wasCut = codePoints(clean) > MAX_CODE_POINTS;
  return { text: wasCut ? cutText(clean, MAX_CODE_POINTS) : clean, wasCut };
}
