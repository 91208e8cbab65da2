import { countTokens, endWithin } from './count-tokens.js';

/** What a turn costs besides its text: the marks of its role and its end, 3 or 4 tokens with the common models. */
const TURN_TOKENS = 4;

/**
 * What of a history is sent to the model: the newest turns that fit, without a gap, each older one whole or not at all. The
 * newest is always sent; if it alone is longer than the window, then its end, where the question of a long paste mostly is.
 *
 * A turn counts as `countTokens` of its text and 4. Only the texts of those that fit are counted, and one more.
 * @param turns newest last; neither it nor its turns are changed
 * @param maxTokens `AI_CONTEXT_MAX_TOKENS`; below 8 nothing may be left of the newest text
 */
export function fitContext<Turn extends { readonly content: string }>(turns: readonly Turn[], maxTokens: number): Turn[] {
  const newest = turns.at(-1);
  if (newest === undefined) return [];

  let left = maxTokens - costOf(newest);
  if (left < 0) return [{ ...newest, content: endWithin(newest.content, maxTokens - TURN_TOKENS) }];

  let oldest = turns.length - 1;
  for (const turn of turns.slice(0, -1).reverse()) {
    left -= costOf(turn);
    if (left < 0) break;
    oldest -= 1;
  }
  return turns.slice(oldest);
}

/** The most turns that can fit into a window of `maxTokens`: who reads a history newest first need not read more. */
export function mostTurns(maxTokens: number): number {
  return Math.max(1, Math.floor(maxTokens / (TURN_TOKENS + 1)));
}

const costOf = (turn: { readonly content: string }): number => TURN_TOKENS + countTokens(turn.content);
