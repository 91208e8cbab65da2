import { createHash } from 'node:crypto';
import { searchDomain } from '../pure.mjs';
import { problem } from './http.mjs';
import { messageOf, textsAt } from './read.mjs';
import { query } from './stores.mjs';

// The first page of a search by relevance where all hits can be ranked together, with the product's statements (libs/search, SearchMessages) and its own computation of queries and snippets.

const find = (first) => `edgechat.find_messages($1, $2::uuid, $3::bigint, $4, $5, $6, $7, ${first},
  row(coalesce($8::timestamptz, '-infinity'), coalesce($9::uuid, '${'0'.repeat(32)}'), coalesce($10::bigint, 0), 0)::edgechat.found_message,
  row(coalesce($11::timestamptz, 'infinity'), coalesce($12::uuid, '${'0'.repeat(32)}'), coalesce($13::bigint, 0), 0)::edgechat.found_message, $14)`;
const NEWEST = `select * from ${find('null')} order by at desc, conversation_id desc, seq desc`;
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
    (select o.content from edgechat.outbox o where o.conversation_id = m.conversation_id and o.seq = m.seq and o.kind = 'store') as outbox_content
  from (
    select m.*, p.nth, count(*) over () as found, row_number() over (order by p.nth) as place, sum(coalesce(m.bytes, 0)) over (order by p.nth) as bytes_so_far
    from unnest($2::uuid[], $3::bigint[]) with ordinality p(conversation_id, seq, nth)
      cross join lateral (select * from edgechat.messages t where t.conversation_id = p.conversation_id and t.seq = p.seq limit 1) m
    where $1::bigint is null or (select true from edgechat.members u where u.conversation_id = p.conversation_id and u.account_id = $1)
  ) m
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
  const { probe, whole, ranking, first: firstWord } = tsQueriesOf(asked, 'either');
  const values = (below, wanted) => [
    reader,
    null,
    null,
    null,
    probe,
    whole,
    ranking,
    null,
    null,
    null,
    ...below,
    wanted,
  ];
  const ranked = await query('ranked', RANKED, [
    ...values([null, null, null], RANKED_MAX),
    null,
    null,
    null,
    null,
    limit + 1,
    firstWord,
  ]);
  const [first] = ranked;
  const oldest =
    first !== undefined && first.found >= RANKED_MAX
      ? [first.oldest_at.getTime(), first.oldest_conversation, first.oldest_seq]
      : null;
  const rows = ranked.slice(0, limit);
  const last = rows.at(-1);
  const placeOf = (row) => [2, row.at.getTime(), row.conversation_id, row.seq];
  if (ranked.length > limit)
    return { rows, next: [...placeOf(last), last.score, last.newest_at.getTime(), ...(oldest ?? [])] };
  if (oldest === null) return { rows, next: null };
  const room = limit - rows.length;
  const older = await query('newest', NEWEST, values([new Date(oldest[0]), oldest[1], oldest[2]], room + 1));
  const rest = older.slice(0, room);
  return {
    rows: [...rows, ...rest],
    next: older.length > room ? (rest.length > 0 ? placeOf(rest.at(-1)) : [2, ...oldest]) : null,
  };
}

function cursorOf(reader, typed, place) {
  const asked = JSON.stringify([typed, null, null, null, null, null, 'relevance']);
  return Buffer.from(
    JSON.stringify([['search', reader, createHash('sha256').update(asked).digest('base64url').slice(0, 22)], place]),
  ).toString('base64url');
}
