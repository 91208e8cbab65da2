import type { Message } from '@edgechat/conversations';
import type { AccountId, ConversationId } from '@edgechat/kernel';
import type { Phase, SearchQuery } from '../domain/query.js';
import type { SnippetPiece } from '../domain/snippet.js';

/** A message's position in the order of time, which is that of its conversation, too. */
export interface TimePosition {
  readonly at: Date;
  readonly conversationId: ConversationId;
  readonly seq: number;
}

/**
 * Where a page of hits begins: behind a position in time; or behind a hit of the newest 1,000, which are in order of their score. Which those are, the first page settled: from `oldest` on
 * (null: all there are), none newer than `newestAt`. So a page neither misses nor repeats a hit because of messages that come meanwhile.
 */
export type SearchPosition =
  | ({ readonly order: 'time'; readonly phase: Phase } & TimePosition)
  | ({
      readonly order: 'score';
      readonly phase: Phase;
      readonly score: number;
      readonly newestAt: Date;
      readonly oldest: TimePosition | null;
    } & TimePosition);

export interface Search {
  readonly reader: AccountId;
  /** Null: whatever the text. `conversationId` or `authorId` is given then, and the newest come first. */
  readonly query: SearchQuery | null;
  readonly sort: 'relevance' | 'newest';
  /** 1–100 */
  readonly limit: number;
  readonly after: SearchPosition | null;
  /** Narrow the search where they are not null; `from` is inclusive, `to` exclusive. */
  readonly conversationId: ConversationId | null;
  readonly authorId: AccountId | null;
  readonly role: Message['role'] | null;
  readonly from: Date | null;
  readonly to: Date | null;
}

export interface Hit {
  readonly message: Message;
  readonly snippet: readonly SnippetPiece[];
  /** 0 to 1: the closer together the words, the higher; all hits with the whole last word are above all others. */
  readonly score: number;
}

/** A message that the stores say is a hit, with the position behind it. Its text has the last word. */
export interface Candidate extends TimePosition {
  readonly score: number;
  readonly position: SearchPosition;
}

export interface Candidates {
  readonly found: readonly Candidate[];
  /** Where the following page begins; null when there is none. It may begin before anything was found, where a search had looked at as much as one may. */
  readonly next: SearchPosition | null;
}

/** Between two messages in the order of time: below the position it names. */
export type Edge = TimePosition | { readonly at: Date; readonly conversationId: null; readonly seq: null };

/** The edge between what was created before an instant and what was created at it. */
export function startOf(at: Date): Edge {
  return { at, conversationId: null, seq: null };
}

/** The lower of two edges; null stands for none. */
export function lower(a: Edge | null, b: Edge | null): Edge | null {
  if (a === null || b === null) return a ?? b;
  if (a.at.getTime() !== b.at.getTime()) return a.at < b.at ? a : b;
  const [idOfA, idOfB] = [a.conversationId ?? '', b.conversationId ?? ''];
  if (idOfA !== idOfB) return idOfA < idOfB ? a : b;
  return (a.seq ?? 0) < (b.seq ?? 0) ? a : b;
}

/** An edge as three values of a statement. */
export const valuesOfEdge = (edge: Edge | null): unknown[] => [
  edge?.at ?? null,
  edge?.conversationId ?? null,
  edge?.seq ?? null,
];
