import type { AccountId, ConversationId } from '@edgechat/kernel';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import {
  lower,
  startOf,
  valuesOfEdge,
  type Candidate,
  type Candidates,
  type Search,
  type TimePosition,
} from './search.js';

interface ExaminedRow {
  readonly examined: number;
  readonly last_at: Date;
  readonly last_conversation: ConversationId;
  readonly last_seq: number;
  /** Null in the one row that says how far was looked, where nothing was found. */
  readonly at: Date | null;
  readonly conversation_id: ConversationId;
  readonly seq: number;
}

/** Of the ledger a page looks at so many rows at most: a message that is rare among others costs more pages, not a longer one. */
export const EXAMINED_MAX = 5_000;

/** What was examined, and of that what is a hit: newest first, at most so many. */
const hitsOf = (examined: string, isHit: string, limit: string): string => `
  with w as materialized (${examined} limit ${EXAMINED_MAX}),
    e as (select count(*) over ()::int as examined, w.created_at as last_at, w.conversation_id as last_conversation, w.seq as last_seq
          from w order by w.created_at, w.conversation_id, w.seq limit 1)
  select e.*, h.at, h.conversation_id, h.seq from e left join lateral (
    select w.created_at as at, w.conversation_id, w.seq from w where ${isHit}
    order by w.created_at desc, w.conversation_id desc, w.seq desc limit ${limit}
  ) h on true order by h.at desc, h.conversation_id desc, h.seq desc`;

const IN_CONVERSATION: Statement = {
  name: 'search.newest_in_conversation',
  text: hitsOf(
    `select m.created_at, m.conversation_id, m.seq, m.author from edgechat.messages m
     where m.conversation_id = $1 and m.seq < coalesce($2::bigint, 9007199254740991)
       and (select true from edgechat.members u where u.conversation_id = $1 and u.account_id = $3) order by m.seq desc`,
    `($4::bigint is null or w.author = $4) and ($5::text is null or (w.author = 0) = ($5 = 'model'))
       and ($6::timestamptz is null or w.created_at >= $6) and ($7::timestamptz is null or w.created_at < $7)`,
    '$8::int',
  ),
};
const OF_AUTHOR: Statement = {
  name: 'search.newest_of_author',
  text: hitsOf(
    `select m.created_at, m.conversation_id, m.seq from edgechat.messages m
     where m.author = $1 and m.author <> 0 and m.created_at >= coalesce($2::timestamptz, '-infinity')
       and (m.created_at, m.conversation_id, m.seq) < (coalesce($3::timestamptz, 'infinity'), coalesce($4::uuid, '${'0'.repeat(32)}'), coalesce($5::bigint, 0))
     order by m.created_at desc, m.conversation_id desc, m.seq desc`,
    `(select true from edgechat.members u where u.conversation_id = w.conversation_id and u.account_id = $6)`,
    '$7::int',
  ),
};

/**
 * The newest messages of a conversation, of an author, or of an author in a conversation, at most `limit`. Looks at 5,000 rows of the ledger at most, and says then where to go on.
 * @throws Unavailable `postgres`
 */
export async function listNewest(sql: Sql, search: Search, limit: number): Promise<Candidates> {
  if (search.conversationId !== null) return inConversation(sql, search, search.conversationId, limit);
  return search.authorId === null ? { found: [], next: null } : ofAuthor(sql, search, search.authorId, limit);
}

async function inConversation(
  sql: Sql,
  { reader, authorId, role, from, to, after }: Search,
  conversationId: ConversationId,
  limit: number,
): Promise<Candidates> {
  const values = [conversationId, after?.seq ?? null, reader, authorId, role, from, to, limit + 1];
  const rows = await sql.query<ExaminedRow>(IN_CONVERSATION, values);
  const [first] = rows;
  return pageOfRows(rows, limit, first !== undefined && from !== null && first.last_at < from);
}

async function ofAuthor(
  sql: Sql,
  { reader, role, from, to, after }: Search,
  author: AccountId,
  limit: number,
): Promise<Candidates> {
  if (role === 'model') return { found: [], next: null }; // no account is the assistant
  const below = lower(to && startOf(to), after);
  const rows = await sql.query<ExaminedRow>(OF_AUTHOR, [author, from, ...valuesOfEdge(below), reader, limit + 1]);
  return pageOfRows(rows, limit, false);
}

function pageOfRows(rows: readonly ExaminedRow[], limit: number, isOver: boolean): Candidates {
  const hits = rows.filter((row): row is ExaminedRow & { readonly at: Date } => row.at !== null);
  const found: readonly Candidate[] = hits.slice(0, limit).map(({ at, conversation_id: conversationId, seq }) => ({
    at,
    conversationId,
    seq,
    score: 0,
    position: positionAt({ at, conversationId, seq }),
  }));
  const [first] = rows;
  if (hits.length > limit) return { found, next: found.at(-1)?.position ?? null };
  if (!first || isOver || first.examined < EXAMINED_MAX) return { found, next: null };
  const { last_at: at, last_conversation: conversationId, last_seq: seq } = first;
  return { found, next: positionAt({ at, conversationId, seq }) };
}

const positionAt = (at: TimePosition): Candidate['position'] => ({ order: 'time', phase: 'whole', ...at });
