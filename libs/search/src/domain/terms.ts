import type { ConversationId } from '@edgechat/kernel';
import { foldText } from './fold.js';
import { runsOf } from './words.js';

/** Of a message the first 16,000 words are searchable. */
const MAX_WORDS = 16_000;
/** What PostgreSQL knows of a tsvector: no place beyond this one, no more places of one term, and 1 MiB in all. */
const MAX_PLACE = 16_383;
const MAX_PLACES_OF_TERM = 256;
const MAX_BYTES = 1_000_000;

/** So many messages of a conversation share a prefix. A search can then end with the newest block that has enough of a common word. (`edgechat.find_messages` counts with it, too.) */
export const BLOCK = 4_096;

/** What each term of a message begins with: its conversation and block, so that their entries lie together in the index. No word has a point in it. */
export function prefixOf(conversationId: ConversationId, seq: number): string {
  return `${conversationId.slice(-8)}${Math.floor((seq - 1) / BLOCK).toString(16)}.`;
}

/** Says of a message that not every place of its unspaced terms is in the index: whether they stand side by side is for the text to say. A sign, so that no word is the same. */
export const PLACES_CUT = '~';

/** Of unspaced text each two neighbours are a term, and the last character by itself. So two or more in a row are found by their terms, and one by what terms begin with. */
export function termsOfUnspaced(run: string): string[] {
  const characters = Array.from(run);
  return characters.map((character, i) => character + (characters[i + 1] ?? ''));
}

/** The terms of a message as the text of a tsvector: each with its places, words and unspaced characters counted from 1 on. Bounded, whatever the text. */
export function tsvectorOf(conversationId: ConversationId, seq: number, text: string): string {
  const prefix = prefixOf(conversationId, seq);
  // No word holds a quote or a backslash.
  return Array.from(
    placesOf(text, prefix.length),
    ([term, places]) => `'${prefix}${term}'${places.length > 0 ? `:${places.join(',')}` : ''}`,
  ).join(' ');
}

function placesOf(text: string, prefixBytes: number): Map<string, readonly number[]> {
  const terms = new Map<string, number[]>();
  let place = 0;
  let bytes = 0;
  let isCut = false;
  for (const { term, isUnspaced } of termsOf(text)) {
    place = Math.min(place + 1, MAX_PLACE);
    const places = terms.get(term) ?? [];
    const isFull = places.length === MAX_PLACES_OF_TERM;
    if (isUnspaced && (isFull || place === MAX_PLACE)) isCut = true;
    if (isFull || places.at(-1) === place) continue;
    // (Four bytes: how many places there are, and where they begin.)
    bytes += 2 + (places.length > 0 ? 0 : prefixBytes + Buffer.byteLength(term) + 4);
    if (bytes > MAX_BYTES) break;
    terms.set(term, places);
    places.push(place);
  }
  return isCut ? new Map([...terms, [PLACES_CUT, []]]) : terms;
}

function* termsOf(text: string): Generator<{ readonly term: string; readonly isUnspaced: boolean }> {
  let words = 0;
  for (const { text: run, isUnspaced } of runsOf(foldText(text))) {
    if (isUnspaced) {
      for (const term of termsOfUnspaced(run)) yield { term, isUnspaced };
    } else if ((words += 1) <= MAX_WORDS) {
      yield { term: run, isUnspaced };
    }
  }
}
