import { beginningWithin, countTokens, endWithin } from './count-tokens.js';

/** Fewer tokens of a text than these say too little to be sent in its place. */
const PART_MIN_TOKENS = 16;

/** Of what is kept of a text without its middle, the part that its beginning gets: instructions stand there, and are shorter than the question at the end with what belongs to it. */
const BEGINNING = 1 / 3;

/**
 * A text that is too long, as a model is sent it: its beginning and its end, and between them a sentence that says how much is left out, so that the model does not take the parts for the whole.
 * Where not even that sentence has room, the end alone. Never more than `maxTokens`; linear; surrogate pairs stay whole.
 * @param text of more than `maxTokens` tokens
 */
export function withoutMiddle(text: string, maxTokens: number): string {
  const left = maxTokens - gapTokens(text);
  if (left < 2 * PART_MIN_TOKENS) return endWithin(text, maxTokens);

  const beginning = beginningWithin(text, Math.floor(left * BEGINNING));
  const end = endWithin(text, left - countTokens(beginning));
  return `${beginning}\n${gap(text.length - beginning.length - end.length)}\n${end}`;
}

/**
 * The end of a text, after a sentence that says how much is left out before it. Never more than `maxTokens`; linear; surrogate pairs stay whole.
 * @param text of more than `maxTokens` tokens
 * @returns null where that would be too little to say anything: below `endMinTokens`
 */
export function withoutBeginning(text: string, maxTokens: number): string | null {
  if (maxTokens < endMinTokens(text)) return null;

  const end = endWithin(text, maxTokens - gapTokens(text));
  return `${gap(text.length - end.length)}\n${end}`;
}

/** The least that the end of this text takes to be worth sending. */
export function endMinTokens(text: string): number {
  return gapTokens(text) + PART_MIN_TOKENS;
}

/** Plain words, which every model reads. A text may have the same ones in it: it deceives nobody but the model about itself. */
function gap(characters: number): string {
  const about = characters < 100 ? characters : Math.round(characters / 100) * 100;
  return `[… about ${about} characters of this text are left out here …]`;
}

/** The most that the sentence takes in this text, with the ends of lines around it. */
const gapTokens = (text: string): number => countTokens(`\n${gap(text.length)}\n`);
