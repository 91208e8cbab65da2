import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ReadMessages, type Message } from '@edgechat/conversations';
import { Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { tsQueriesOf, type SearchQuery } from '../domain/query.js';
import { snippetOf, type SnippetPiece } from '../domain/snippet.js';

/** A message's place in the order of time, which is that of its conversation, too. */
export interface TimePlace {
  readonly at: Date;
  readonly conversationId: ConversationId;
  readonly seq: number;
}

/**
 * Where a page of hits begins: behind a place in time; or behind a hit of the newest 1,000, which are in order of their score. Which those are, the first page settled: from `oldest` on
 * (null: all there are), none newer than `newestAt`. So a page neither misses nor repeats a hit because of messages that come meanwhile.
 */
export type SearchPlace =
  | ({ readonly order: 'time' } & TimePlace)
  | ({
      readonly order: 'score';
      readonly score: number;
      readonly newestAt: Date;
      readonly oldest: TimePlace | null;
    } & TimePlace);

export interface Search {
  readonly reader: AccountId;
  readonly query: SearchQuery;
  readonly sort: 'relevance' | 'newest';
  /** 1–100 */
  readonly limit: number;
  readonly after: SearchPlace | null;
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
  /** 0 to 1: the closer together the words, the higher. */
  readonly score: number;
}

interface FoundRow {
  readonly at: Date;
  readonly conversation_id: ConversationId;
  readonly seq: number;
  readonly score: number;
}
type RankedRow = FoundRow & {
  readonly found: number;
  readonly newest_at: Date;
  readonly oldest_at: Date;
  readonly oldest_conversation: ConversationId;
  readonly oldest_seq: number;
};

/** Between two messages in the order of time: below the place it names. */
type Edge = TimePlace | { readonly at: Date; readonly conversationId: null; readonly seq: null };

/** How far a search looks (from `least` on, `below`), and how much it takes. */
interface Bounds {
  readonly least: Edge | null;
  readonly below: Edge | null;
  readonly wanted: number;
}
interface Found {
  readonly rows: readonly FoundRow[];
  readonly next: SearchPlace | null;
}

const FIND = `edgechat.find_messages($1, $2::uuid, $3::bigint, $4, $5, $6, $7,
  row(coalesce($8::timestamptz, '-infinity'), coalesce($9::uuid, '${'0'.repeat(32)}'), coalesce($10::bigint, 0), 0)::edgechat.found_message,
  row(coalesce($11::timestamptz, 'infinity'), coalesce($12::uuid, '${'0'.repeat(32)}'), coalesce($13::bigint, 0), 0)::edgechat.found_message, $14)`;
const NEWEST: Statement = {
  name: 'search.newest',
  text: `select * from ${FIND} order by at desc, conversation_id desc, seq desc`,
};
const RANKED: Statement = {
  name: 'search.ranked',
  text: `with z as materialized (select * from ${FIND})
         select p.*, a.* from (
           select * from z where $15::float8 is null or (z.score, z.at, z.conversation_id, z.seq) < ($15, $16::timestamptz, $17::uuid, $18::bigint)
           order by z.score desc, z.at desc, z.conversation_id desc, z.seq desc limit $19
         ) p cross join (
           select count(*) over () as found, first_value(at) over o as newest_at, at as oldest_at, conversation_id as oldest_conversation, seq as oldest_seq
           from z window o as (order by at desc, conversation_id desc, seq desc) order by at, conversation_id, seq limit 1
         ) a order by p.score desc, p.at desc, p.conversation_id desc, p.seq desc`,
};
const IS_MEMBER: Statement = {
  name: 'search.is_member',
  text: 'select 1 as found from edgechat.members m join edgechat.conversations c on c.id = m.conversation_id and c.deleted_at is null where m.conversation_id = $1 and m.account_id = $2',
};

/** So many of the newest hits are in order of their score. */
const RANKED_MAX = 1_000;
/** Messages that were late in the index may come in between those that the first page ranked. */
const LATE_MAX = 100;

/** Finds messages by their words, among those of the reader's conversations. */
@Injectable()
export class SearchMessages {
  constructor(
    private readonly postgres: Postgres,
    private readonly messages: ReadMessages,
  ) {}

  /**
   * A page of hits. What is not the reader's to see any more, or does not have the words, is left out of it, so that it may be shorter than `limit` though more follow.
   * @throws Refusal `conversation_not_found` when the search is in a conversation that is not the reader's
   * @throws Unavailable `postgres`, `mongo`
   */
  async page(search: Search): Promise<{ readonly hits: readonly Hit[]; readonly next: SearchPlace | null }> {
    const { rows, next } =
      search.sort === 'newest' || search.after?.order === 'time'
        ? await this.byTime(search, search.after)
        : await this.byScore(search);
    if (rows.length === 0) await this.refuseForeign(search);

    const messages = await this.messages.places(
      search.reader,
      rows.map((row) => ({ conversationId: row.conversation_id, seq: row.seq })),
    );
    const hits: Hit[] = [];
    for (const message of messages) {
      const row = rows.find(
        ({ conversation_id, seq }) => conversation_id === message.conversationId && seq === message.seq,
      );
      const snippet = snippetOf(message.content, search.query);
      if (row && snippet) hits.push({ message, snippet, score: row.score });
      await setImmediate(); // others take their turn between two long texts
    }
    return { hits, next };
  }

  private async byTime(search: Search, after: TimePlace | null): Promise<Found> {
    const rows = await this.newest(search, after, search.limit + 1);
    const page = rows.slice(0, search.limit);
    const last = page.at(-1);
    return { rows: page, next: last && rows.length > search.limit ? { order: 'time', ...placeOf(last) } : null };
  }

  private async byScore(search: Search): Promise<Found> {
    const rows = await this.ranked(search);
    const [first] = rows;
    const after = search.after?.order === 'score' ? search.after : null;
    const oldest = after
      ? after.oldest
      : first && first.found >= RANKED_MAX
        ? { at: first.oldest_at, conversationId: first.oldest_conversation, seq: first.oldest_seq }
        : null;
    const page = rows.slice(0, search.limit);
    const last = page.at(-1);
    if (last && rows.length > search.limit)
      return {
        rows: page,
        next: {
          order: 'score',
          ...placeOf(last),
          score: last.score,
          newestAt: after?.newestAt ?? last.newest_at,
          oldest,
        },
      };
    if (oldest === null) return { rows: page, next: null };

    const room = search.limit - page.length;
    const older = await this.newest(search, oldest, room + 1);
    const rest = older.slice(0, room);
    const lastOfRest = rest.at(-1);
    return {
      rows: [...page, ...rest],
      next: older.length > room ? { order: 'time', ...(lastOfRest ? placeOf(lastOfRest) : oldest) } : null,
    };
  }

  private newest(search: Search, after: TimePlace | null, wanted: number): Promise<FoundRow[]> {
    return this.postgres.query<FoundRow>(
      NEWEST,
      valuesOf(search, {
        least: search.from && startOf(search.from),
        below: lower(search.to && startOf(search.to), after),
        wanted,
      }),
    );
  }

  private ranked(search: Search): Promise<RankedRow[]> {
    const after = search.after?.order === 'score' ? search.after : null;
    const newer = after && startOf(new Date(after.newestAt.getTime() + 1));
    const bounds = {
      least: after?.oldest ?? (search.from && startOf(search.from)),
      below: lower(search.to && startOf(search.to), newer),
      wanted: after ? RANKED_MAX + LATE_MAX : RANKED_MAX,
    };
    return this.postgres.query<RankedRow>(RANKED, [
      ...valuesOf(search, bounds),
      after?.score ?? null,
      after?.at ?? null,
      after?.conversationId ?? null,
      after?.seq ?? null,
      search.limit + 1,
    ]);
  }

  private async refuseForeign({ reader, conversationId }: Search): Promise<void> {
    if (conversationId === null) return;
    const [member] = await this.postgres.query(IS_MEMBER, [conversationId, reader]);
    if (!member) throw new Refusal('conversation_not_found', 'Conversation not found');
  }
}

function valuesOf(
  { reader, conversationId, authorId, role, query }: Search,
  { least, below, wanted }: Bounds,
): unknown[] {
  const { probe, whole, ranking } = tsQueriesOf(query);
  const edge = (at: Edge | null): unknown[] => [at?.at ?? null, at?.conversationId ?? null, at?.seq ?? null];
  return [reader, conversationId, authorId, role, probe, whole, ranking, ...edge(least), ...edge(below), wanted];
}

function placeOf(row: FoundRow): TimePlace {
  return { at: row.at, conversationId: row.conversation_id, seq: row.seq };
}

/** The edge between what was created before an instant and what was created at it. */
function startOf(at: Date): Edge {
  return { at, conversationId: null, seq: null };
}

/** The lower of two edges; null stands for none. */
function lower(a: Edge | null, b: Edge | null): Edge | null {
  if (a === null || b === null) return a ?? b;
  if (a.at.getTime() !== b.at.getTime()) return a.at < b.at ? a : b;
  const [idOfA, idOfB] = [a.conversationId ?? '', b.conversationId ?? ''];
  if (idOfA !== idOfB) return idOfA < idOfB ? a : b;
  return (a.seq ?? 0) < (b.seq ?? 0) ? a : b;
}
