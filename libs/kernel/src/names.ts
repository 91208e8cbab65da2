/** What ends a line, controls a terminal, or turns the direction of the text around a name: it would show as something else than it is. */
const DECEIVING = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
/**
 * What can be seen by itself. Not: blanks (also U+2800, the Braille cell without a dot), what is never drawn (controls, joiners, selectors, tags, fillers), and marks, which need something to go on.
 * What this version of Unicode does not know may be seen, and so may private use: a newer emoji, the sign of a company's font.
 */
const VISIBLE = /[^\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** What is wrong with a name that others will see (of an account, of a conversation). */
export type NameFault = 'deceiving' | 'invisible';

/**
 * Null for a name that shows as what it is. Joiners, variation selectors and tags are right beside something that can be seen: emoji, Persian and Indic words need them.
 * Linear in the name.
 */
export function faultOfName(name: string): NameFault | null {
  if (DECEIVING.test(name)) return 'deceiving';
  return VISIBLE.test(name) ? null : 'invisible';
}
