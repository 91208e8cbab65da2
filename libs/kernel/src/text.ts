/** True for a text that every store keeps to the code point: no lone surrogate and no NUL (PostgreSQL and UTF-8 know neither). */
export function isText(value: string): boolean {
  return value.isWellFormed() && !value.includes('\0');
}

/** The length in Unicode code points, which is what every limit of the API counts. A lone surrogate counts as one. */
export function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0xdc00 || unit > 0xdfff || !isHighSurrogate(text.charCodeAt(i - 1))) count += 1;
  }
  return count;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** The first `max` code points of a text, never half a surrogate pair. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  return Array.from(text.slice(0, max * 2))
    .slice(0, max)
    .join('');
}
