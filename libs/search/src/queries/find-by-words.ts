import type { ConversationId } from '@edgechat/kernel';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import { tsQueriesOf, type Phase, type SearchQuery, type TsQueries } from '../domain/query.js';
import { lower, startOf, valuesOfEdge, type Candidates, type Edge, type Search, type TimePosition } from './search.js';

/** A search by words. */
export type WordSearch = Search & { readonly query: SearchQuery };

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

/** How far a search looks (from `least` on, `below`), and how much it takes. */
interface Bounds {
  readonly least: Edge | null;
  readonly below: Edge | null;
  readonly wanted: number;
}

const find = (first: string): string => `edgechat.find_messages($1, $2::uuid, $3::bigint, $4, $5, $6, $7, ${first},
  row(coalesce($8::timestamptz, '-infinity'), coalesce($9::uuid, '${'0'.repeat(32)}'), coalesce($10::bigint, 0), 0)::edgechat.found_message,
  row(coalesce($11::timestamptz, 'infinity'), coalesce($12::uuid, '${'0'.repeat(32)}'), coalesce($13::bigint, 0), 0)::edgechat.found_message, $14)`;
const NEWEST: Statement = {
  name: 'search.newest',
  text: `select at, conversation_id, seq, score from ${find('null')} order by at desc, conversation_id desc, seq desc`,
};
const RANKED: Statement = {
  name: 'search.ranked',
  text: `with z as materialized (select * from ${find('$20::text')})
         select p.at, p.conversation_id, p.seq, p.score, a.* from (
           select * from z where $15::float8 is null or (z.score, z.at, z.conversation_id, z.seq) < ($15, $16::timestamptz, $17::uuid, $18::bigint)
           order by z.score desc, z.at desc, z.conversation_id desc, z.seq desc limit $19
         ) p cross join (
           select count(*) over () as found, first_value(at) over o as newest_at, at as oldest_at, conversation_id as oldest_conversation, seq as oldest_seq
           from z window o as (order by at desc, conversation_id desc, seq desc) order by at, conversation_id, seq limit 1
         ) a order by p.score desc, p.at desc, p.conversation_id desc, p.seq desc`,
};

/** So many of the newest hits of a phase are in order of their score. */
const RANKED_MAX = 1_000;
/** Messages that were late in the index may come in between those that the first page ranked. */
const LATE_MAX = 100;

/** Candidates by score; where there may be more of them than are ranked, the oldest of those that are. */
export interface RankedCandidates extends Candidates {
  readonly full: TimePosition | null;
}

/** The hits of one phase, from `after` on, at most `limit`: by score the newest 1,000, then by time; or all by time. @throws Unavailable `postgres` */
export async function findByWords(sql: Sql, search: WordSearch, phase: Phase, limit: number): Promise<Candidates> {
  const isByTime = search.sort === 'newest' || search.after?.order === 'time';
  return isByTime ? findByTime(sql, search, phase, search.after, limit) : findByScore(sql, search, phase, limit);
}

async function findByTime(
  sql: Sql,
  search: WordSearch,
  phase: Phase,
  after: TimePosition | null,
  limit: number,
): Promise<Candidates> {
  const bounds = {
    least: search.from && startOf(search.from),
    below: lower(search.to && startOf(search.to), after),
    wanted: limit + 1,
  };
  const rows = await sql.query<FoundRow>(NEWEST, valuesOf(search, tsQueriesOf(search.query, phase), bounds));
  const found = rows
    .slice(0, limit)
    .map((row) => ({ ...timeOf(row), score: row.score, position: { order: 'time', phase, ...timeOf(row) } as const }));
  if (rows.length <= limit) return { found, next: null };
  return { found, next: found.at(-1)?.position ?? (after && { ...timeOnly(after), order: 'time', phase }) };
}

/** As `findByWords`, by score. In the phase `either` what has the whole last word scores 0.5 to 1, and all else below. @throws Unavailable `postgres` */
export async function findByScore(
  sql: Sql,
  search: WordSearch,
  phase: Phase,
  limit: number,
): Promise<RankedCandidates> {
  const after = search.after?.order === 'score' ? search.after : null;
  const rows = await sql.query<RankedRow>(RANKED, rankedValues(search, phase, limit));
  const [first] = rows;
  const isFull = first !== undefined && first.found >= RANKED_MAX;
  const ofFirst = isFull
    ? { at: first.oldest_at, conversationId: first.oldest_conversation, seq: first.oldest_seq }
    : null;
  const oldest = after ? after.oldest : ofFirst;
  const found = rows.slice(0, limit).map((row) => ({
    ...timeOf(row),
    score: row.score,
    position: {
      order: 'score',
      phase,
      ...timeOf(row),
      score: row.score,
      newestAt: after?.newestAt ?? row.newest_at,
      oldest,
    } as const,
  }));
  if (rows.length > limit) return { found, next: found.at(-1)?.position ?? after, full: oldest };
  // (Of both phases together the older ones are not looked for: those with the whole word come first.)
  if (oldest === null || phase === 'either') return { found, next: null, full: oldest };

  const older = await findByTime(sql, search, phase, oldest, limit - found.length);
  return { found: [...found, ...older.found], next: older.next, full: oldest };
}

function rankedValues(search: WordSearch, phase: Phase, limit: number): unknown[] {
  const after = search.after?.order === 'score' ? search.after : null;
  const newer = after && startOf(new Date(after.newestAt.getTime() + 1));
  const bounds = {
    least: after?.oldest ?? (search.from && startOf(search.from)),
    below: lower(search.to && startOf(search.to), newer),
    wanted: after ? RANKED_MAX + LATE_MAX : RANKED_MAX,
  };
  const queries = tsQueriesOf(search.query, phase);
  return [
    ...valuesOf(search, queries, bounds),
    after?.score ?? null,
    after?.at ?? null,
    after?.conversationId ?? null,
    after?.seq ?? null,
    limit + 1,
    queries.first,
  ];
}

function valuesOf(
  { reader, conversationId, authorId, role }: WordSearch,
  { probe, whole, ranking }: TsQueries,
  { least, below, wanted }: Bounds,
): unknown[] {
  const narrowed = [reader, conversationId, authorId, role];
  return [...narrowed, probe, whole, ranking, ...valuesOfEdge(least), ...valuesOfEdge(below), wanted];
}

const timeOf = (row: FoundRow): TimePosition => ({ at: row.at, conversationId: row.conversation_id, seq: row.seq });
const timeOnly = ({ at, conversationId, seq }: TimePosition): TimePosition => ({ at, conversationId, seq });
