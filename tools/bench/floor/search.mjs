import { createHash } from 'node:crypto';
import { searchDomain } from '../pure.mjs';
import { problem } from './http.mjs';
import { messageOf, REPLY, REPLY_COLUMNS, textsAt } from './read.mjs';
import { query } from './stores.mjs';

// The first page of a search by relevance where all hits can be ranked together, with the product's statements (libs/search, SearchMessages) and its own computation of queries and snippets.

const find = (first) => `edgechat.find_messages($1, $2::uuid, $3::bigint, $4, $5, $6, $7, ${first},
  row(coalesce($8::timestamptz, '-infinity'), coalesce($9::uuid, '${'0'.repeat(32)}'), coalesce($10::bigint, 0), 0)::edgechat.found_message,
  row(coalesce($11::timestamptz, 'infinity'), coalesce($12::uuid, '${'0'.repeat(32)}'), coalesce($13::bigint, 0), 0)::edgechat.found_message, $14)`;
const RANKED = `
  with z as materialized (select * from ${find('$20::text')})
  select p.*, a.* from (
    select * from z where $15::float8 is null or (z.score, z.at, z.conversation_id, z.seq) < ($15, $16::timestamptz, $17::uuid, $18::bigint)
    order by z.score desc, z.at desc, z.conversation_id desc, z.seq desc limit $19
  ) p cross join (
    select count(*) over () as found, first_value(at) over o as newest_at, at as oldest_at, conversation_id as oldest_conversation, seq as oldest_seq
    from z window o as (order by at desc, conversation_id desc, seq desc) order by at, conversation_id, seq limit 1
  ) a order by p.score desc, p.at desc, p.conversation_id desc, p.seq desc`;
const PLACES = `
  select m.conversation_id, m.seq, m.nth, m.found, m.message_id, m.author, m.client_key, m.answers_seq, m.created_at, m.bytes,
    (select coalesce(a.display_name, 'User ' || a.id) from edgechat.accounts a where a.id = m.author) as author_name,
    (select o.content from edgechat.outbox o where o.conversation_id = m.conversation_id and o.seq = m.seq and o.kind = 'store') as outbox_content, ${REPLY_COLUMNS}
  from (
    select m.*, p.nth, count(*) over () as found, row_number() over (order by p.nth) as place, sum(coalesce(m.bytes, 0)) over (order by p.nth) as bytes_so_far
    from unnest($2::uuid[], $3::bigint[]) with ordinality p(conversation_id, seq, nth)
      cross join lateral (select * from edgechat.messages t where t.conversation_id = p.conversation_id and t.seq = p.seq limit 1) m
    where $1::bigint is null or (select true from edgechat.members u where u.conversation_id = p.conversation_id and u.account_id = $1)
  ) m${REPLY}
  where $4::bigint is null or m.bytes_so_far <= $4 or m.place = 1
  order by m.nth`;
const READ_MAX_BYTES = 2_000_000;
const RANKED_MAX = 1_000;

const { matchText, parseQuery, Slices, tsQueriesOf } = await searchDomain();

export async function search(reader, typed, limit) {
  const { kind, query: asked } = parseQuery(typed);
  if (kind !== 'query') throw problem(422, `query_${kind}`);
  const { rows, next } = await findRows(reader, asked, limit);
  const placed = await query('places', PLACES, [
    reader,
    rows.map((row) => row.conversation_id),
    rows.map((row) => row.seq),
    READ_MAX_BYTES,
  ]);
  const texts = await textsAt(placed.filter((row) => row.outbox_content === null));
  const scores = new Map(rows.map((row) => [`${row.conversation_id}:${row.seq}`, row.score]));
  const slices = new Slices('floor');
  const hits = [];
  for (const row of placed) {
    const content = row.outbox_content ?? texts.get(row.message_id);
    const score = scores.get(`${row.conversation_id}:${row.seq}`);
    const snippet = content === undefined ? null : await matchText(content, asked, 'either', slices);
    if (snippet === null) continue;
    const message = messageOf(row.conversation_id, reader, row, content);
    hits.push({ message, snippet, score: Math.round(score * 1e6) / 1e6 });
  }
  return { hits, next_cursor: next && cursorOf(reader, typed, next) };
}

async function findRows(reader, asked, limit) {
  const ranked = await rankedIn('either', reader, asked, limit);
  const [first] = ranked;
  const oldest =
    first !== undefined && first.found >= RANKED_MAX
      ? [first.oldest_at.getTime(), first.oldest_conversation, first.oldest_seq]
      : null;
  const rows = ranked.slice(0, limit);
  const nextOf = (phase, { at, conversation_id, seq, score, newest_at }) => [
    phase,
    at.getTime(),
    conversation_id,
    seq,
    score,
    newest_at.getTime(),
    ...(oldest ?? []),
  ];
  const together = ranked.length > limit ? nextOf(2, rows.at(-1)) : null;
  if (oldest === null || rows.every(({ score }) => score >= 1 / 2)) return { rows, next: together };
  // Few whole words among the newest: those over everything, and then the rest of what was ranked.
  const whole = await rankedIn('whole', reader, asked, limit);
  if (whole.length > limit) throw new Error('the floor knows no page of whole words that are few among the newest');
  const rest = rows.filter(({ score }) => score < 1 / 2).slice(0, limit - whole.length);
  const last = { ...rest.at(-1), score: rest.at(-1).score * 2 };
  const wholeRows = whole.map((row) => ({ ...row, score: 1 / 2 + row.score / 2 }));
  return { rows: [...wholeRows, ...rest], next: nextOf(1, last) };
}

/** The newest hits of a phase by their score, one more than `limit` of them. */
async function rankedIn(phase, reader, asked, limit) {
  const { probe, whole, ranking, first } = tsQueriesOf(asked, phase);
  const everything = [null, null, null, null, null, null, RANKED_MAX];
  const fromTheFirst = [null, null, null, null];
  return query('ranked', RANKED, [
    reader,
    null,
    null,
    null,
    probe,
    whole,
    ranking,
    ...everything,
    ...fromTheFirst,
    limit + 1,
    first,
  ]);
}

function cursorOf(reader, typed, place) {
  const asked = JSON.stringify([typed, null, null, null, null, null, 'relevance']);
  return Buffer.from(
    JSON.stringify([['search', reader, createHash('sha256').update(asked).digest('base64url').slice(0, 22)], place]),
  ).toString('base64url');
}
