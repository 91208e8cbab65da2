import type { ConversationId, Slices } from '@edgechat/kernel';
import { foldedChunks } from './fold.js';
import { WordReader, type WordSink } from './words.js';

/** Of a message the first 16,000 words are searchable. */
const MAX_WORDS = 16_000;
/** What PostgreSQL knows of a tsvector: no place beyond this one, and no more places of one term. */
const MAX_PLACE = 16_383;
const MAX_PLACES_OF_TERM = 256;
/** What the terms of a message may take, unless told otherwise. */
const MAX_BYTES = 262_144;
/** So many places are written in one step. */
const WRITTEN_AT_ONCE = 1_024;

/** So many messages of a conversation share a prefix. A search can then end with the newest block that has enough of a common word. (`edgechat.find_messages` counts with it, too.) */
export const BLOCK = 4_096;

/** What each term of a message begins with: its conversation and block, so that their entries lie together in the index. No word has a point in it. */
export function prefixOf(conversationId: ConversationId, seq: number): string {
  return `${conversationId.slice(-8)}${Math.floor((seq - 1) / BLOCK).toString(16)}.`;
}

/** Says of a message that not every place of its terms is in the index: whether they stand side by side is for the text to say. A sign, so that no word is the same. */
export const PLACES_CUT = '~';

/** Of unspaced text each two neighbours are a term, and the last character by itself. So two or more in a row are found by their terms, and one by what terms begin with. */
export function termsOfUnspaced(run: string): string[] {
  const characters = Array.from(run);
  return characters.map((character, i) => character + (characters[i + 1] ?? ''));
}

/**
 * The terms of a message as the text of a tsvector, and how many bytes they take: each with its places, words and unspaced characters counted from 1 on. At most `maxBytes` of terms, 256 KiB
 * unless told: what is beyond is not found. Reads the text in steps of about 1,000 UTF-16 units.
 */
export async function tsvectorOf(
  conversationId: ConversationId,
  seq: number,
  text: string,
  slices: Slices,
  maxBytes = MAX_BYTES,
): Promise<{ readonly words: string; readonly bytes: number }> {
  const prefix = prefixOf(conversationId, seq);
  const terms = new Terms(prefix.length, maxBytes);
  const reader = new WordReader(terms);
  let readTo = 0;
  for (const chunk of foldedChunks(text)) {
    reader.read(chunk.folded);
    if (slices.take(chunk.end - readTo)) await slices.next();
    readTo = chunk.end;
    if (terms.isFull) break;
  }
  reader.end();
  terms.end();
  return { words: await terms.write(prefix, slices), bytes: terms.bytes };
}

class Terms implements WordSink {
  bytes = 0;
  /** True when no further term is taken. */
  isFull = false;
  private readonly places = new Map<string, number[]>();
  private readonly cutBytes: number;
  private words = 0;
  private place = 0;
  private isCut = false;
  /** The last unspaced character: its term needs the next one. */
  private open = '';

  constructor(
    private readonly prefixBytes: number,
    private readonly maxBytes: number,
  ) {
    this.cutBytes = this.bytesOf(PLACES_CUT);
  }

  word(text: string, parts: readonly string[]): void {
    this.endStretch();
    if ((this.words += 1) > MAX_WORDS) return;
    this.place = Math.min(this.place + 1, MAX_PLACE);
    this.add(text);
    for (const part of parts) this.add(part);
  }

  character(code: number, _start: number, _end: number, isApart: boolean): void {
    const character = String.fromCodePoint(code);
    if (isApart) this.endStretch();
    else this.add(this.open + character);
    this.place = Math.min(this.place + 1, MAX_PLACE);
    this.open = character;
  }

  end(): void {
    this.endStretch();
    if (this.isCut) this.bytes += this.cutBytes;
  }

  /** The text of the tsvector. No word holds a quote or a backslash. */
  async write(prefix: string, slices: Slices): Promise<string> {
    const terms: string[] = [];
    let written = 0;
    for (const [term, places] of this.places) {
      terms.push(`'${prefix}${term}':${places.join(',')}`);
      written += places.length;
      if (written < WRITTEN_AT_ONCE) continue;
      written = 0;
      if (slices.take(0)) await slices.next();
    }
    if (this.isCut) terms.push(`'${prefix}${PLACES_CUT}'`);
    return terms.join(' ');
  }

  private endStretch(): void {
    if (this.open !== '') this.add(this.open);
    this.open = '';
  }

  /** Adds the present place to a term. */
  private add(term: string): void {
    const places = this.places.get(term) ?? [];
    const hasAll = places.length === MAX_PLACES_OF_TERM;
    if (hasAll || this.place === MAX_PLACE) this.isCut = true;
    if (this.isFull || hasAll || places.at(-1) === this.place) return;
    const bytes = 2 + (places.length > 0 ? 0 : this.bytesOf(term));
    if (this.bytes + bytes + this.cutBytes > this.maxBytes) {
      this.isFull = true;
      return;
    }
    this.bytes += bytes;
    this.places.set(term, places);
    places.push(this.place);
  }

  /** As PostgreSQL keeps it: four bytes that say where it is, itself, on an even place how many places it has, and those. */
  private bytesOf(term: string): number {
    const bytes = this.prefixBytes + Buffer.byteLength(term);
    return 4 + bytes + (bytes % 2) + 2;
  }
}
