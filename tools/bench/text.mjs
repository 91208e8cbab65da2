import { createHash } from 'node:crypto';
import { randomFrom } from './drivers.mjs';

// The texts and ids of the data that is loaded: the same in each run, and computed alike here and in SQL, so that nothing has to be carried from one store to the other.

const SYLLABLES = ['ba', 'de', 'ki', 'lo', 'mu', 'na', 'po', 'ri', 'sa', 'te', 'vu', 'zo'];
const WORDS = 2_000;
const WORDS_PER_TEXT = 14;

/** The nth word of the vocabulary: three syllables and more. */
export function wordAt(n) {
  const [a, b, c] = [n % 12, Math.floor(n / 12) % 12, Math.floor(n / 144) % 12];
  return `${SYLLABLES[a]}${SYLLABLES[b]}${SYLLABLES[c]}${n >= 1_728 ? SYLLABLES[n % 7] : ''}`;
}

/** A text of 14 words, about 90 characters; low words are common and high ones rare, as in a language. */
export function textOf(seed) {
  const random = randomFrom(seed);
  return Array.from({ length: WORDS_PER_TEXT }, () => wordAt(Math.floor(WORDS ** random()) % WORDS)).join(' ');
}

/** An id that looks like one of ours (UUIDv7), made from a text; `idSql` is the same in PostgreSQL. */
export function idOf(text) {
  const hex = createHash('md5').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
export const idSql = (text) => `overlay(overlay(md5(${text}) placing '7' from 13) placing '8' from 17)::uuid`;

export const conversationIdOf = (group, n) => idOf(`${group}-${n}`);
export const messageIdOf = (conversationId, seq) => idOf(`${conversationId}:${seq}`);
