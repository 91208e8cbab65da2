/*
 * A count that errs to the high side, without a tokenizer (one costs 40 to 67 MiB of memory and knows one vendor's models only).
 *
 * The weight of a code point depends on itself alone, in twelfths of a token. So the count is linear, the same from both
 * ends, and a text is never cheaper than a part of it. Set beside the o200k and cl100k vocabularies on a sentence or two in
 * each of 14 languages: English 1.5 times the true count, German 1.4–1.7, Chinese 1.0–1.7, Japanese and Korean 1.0–1.6,
 * code and JSON 1.4–1.6; with cl100k, the older one, nine tenths of it for Polish, Hebrew and Tamil. Too low, down
 * to half, are texts that no vocabulary knows: base64, rare ideographs, Ethiopic. They are bounded all the same.
 */
const WHOLE = 12;

/** No text has more bytes of UTF-8 than this for each token that is counted in it: so many blanks are one. */
export const TOKEN_MAX_BYTES = 4;

/** One token for 4 blanks, 3 small letters, 2 capitals or 1⅓ signs; one for each digit, as some models count them. */
function asciiWeight(unit: number): number {
  if (unit === 0x20) return 3;
  if (unit >= 0x61 && unit <= 0x7a) return 4;
  if (unit >= 0x41 && unit <= 0x5a) return 6;
  if (unit >= 0x30 && unit <= 0x39) return WHOLE;
  return 9;
}

function weight(codePoint: number): number {
  if (codePoint < 0x80) return asciiWeight(codePoint);
  if (codePoint >= 0x400 && codePoint < 0x530) return 8; // Cyrillic
  if (codePoint < 0x800) return WHOLE; // accented Latin, Greek, Hebrew, Arabic
  if (codePoint < 0x10000) return 15; // Chinese, Japanese, Korean, Indic, Thai; a lone surrogate, sent as U+FFFD
  return 36; // emoji and the rarest ideographs
}

/**
 * How many tokens a model would count in `text`, rather too many than too few: at least one for each 4 characters of Latin
 * text and one for each Chinese character; 0 only for the empty text. Linear, for any length and any content.
 */
export function countTokens(text: string): number {
  let twelfths = 0;
  for (const character of text) twelfths += weight(character.codePointAt(0) ?? 0);
  return Math.ceil(twelfths / WHOLE);
}

/**
 * The longest end of `text` that `countTokens` counts as at most `maxTokens`; empty if that is less than its last character.
 * A surrogate pair is kept or left out whole.
 */
export function endWithin(text: string, maxTokens: number): string {
  let left = maxTokens * WHOLE;
  let start = text.length;
  while (start > 0) {
    const before = start - widthBefore(text, start);
    left -= weight(text.codePointAt(before) ?? 0);
    if (left < 0) break;
    start = before;
  }
  return text.slice(start);
}

/**
 * The longest beginning of `text` that `countTokens` counts as at most `maxTokens`; empty if that is less than its first
 * character. A surrogate pair is kept or left out whole.
 */
export function beginningWithin(text: string, maxTokens: number): string {
  let left = maxTokens * WHOLE;
  let end = 0;
  for (const character of text) {
    left -= weight(character.codePointAt(0) ?? 0);
    if (left < 0) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** UTF-16 units of the character that ends at `end`: 2 for a surrogate pair, else 1. */
function widthBefore(text: string, end: number): 1 | 2 {
  const isPair = end >= 2 && (text.codePointAt(end - 2) ?? 0) > 0xffff;
  return isPair ? 2 : 1;
}
