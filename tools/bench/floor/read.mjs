import { messages, query } from './stores.mjs';
import { notFound } from './http.mjs';

// Pages of messages and of the inbox: the product's statements (libs/conversations/src/queries), the ledger first and then the texts.

/** By `before` and `after` a page ends at about 1 MiB of text. */
const PAGE_MAX_BYTES = 1_048_576;
const MESSAGES =
  'select * from edgechat.messages m where m.conversation_id = r.id and m.seq >= r.lowest and m.seq <= r.highest order by m.seq limit $5::int';
const WITHIN = `
  select * from (
    select m.*, sum(coalesce(m.bytes, 0)) over (order by case when $3 = 'before' then -m.seq else m.seq end) as bytes_so_far from (${MESSAGES}) m
  ) m where m.bytes_so_far <= $6::bigint or m.seq = case when $3 = 'before' then r.highest else r.lowest end`;
/** What became of the answer to a message, and why an answer ended, as the product reads it. */
export const REPLY = `
  left join lateral (select * from edgechat.replies t where t.conversation_id = m.conversation_id and t.question_seq = coalesce(m.answers_seq, m.seq) limit 1) p on true`;
export const REPLY_COLUMNS =
  'p.id as reply_id, p.status as reply_status, p.is_input_cut, coalesce(p.failure, p.failure_code) as failure, p.retry_after_s, p.finish_reason';
const pageOf = (range) => `
  with c as materialized (
    select c.id, c.last_seq from edgechat.conversations c
    where c.id = $1 and c.deleted_at is null
      and ($2::bigint is null or (select true from edgechat.members m where m.conversation_id = c.id and m.account_id = $2))
  ), r as materialized (
    select id, last_seq,
      case when $3 = 'before' then greatest(least($4::bigint, last_seq + 1) - $5::int, 1) else least($4::bigint, last_seq) + 1 end as lowest,
      case when $3 = 'before' then least($4::bigint, last_seq + 1) - 1 else least(least($4::bigint, last_seq) + $5::int, last_seq) end as highest
    from c
  )
  select r.last_seq, r.lowest, r.highest, m.seq, m.message_id, m.author, m.client_key, m.answers_seq, m.created_at, m.bytes,
    (select coalesce(a.display_name, 'User ' || a.id) from edgechat.accounts a where a.id = m.author) as author_name,
    (select o.content from edgechat.outbox o where o.conversation_id = m.conversation_id and o.seq = m.seq and o.kind = 'store') as outbox_content, ${REPLY_COLUMNS}
  from r left join lateral (${range}) m on true${REPLY}
  order by m.seq`;
const PAGE = pageOf(MESSAGES);
const PAGE_WITHIN = pageOf(WITHIN);
const PREVIEWS = { _id: 0, conversation_id: 1, seq: 1, message_id: 1, content: { $substrCP: ['$content', 0, 200] } };
const FIELDS = { _id: 0, conversation_id: 1, seq: 1, message_id: 1, content: 1 };

/** @param {{ direction: 'skip' | 'before' | 'after', from: number, limit: number }} range */
export async function messagePage(conversationId, reader, { direction, from, limit }) {
  const values = [conversationId, reader, direction, from, limit];
  const rows =
    direction === 'skip'
      ? await query('page', PAGE, values)
      : await query('page_within', PAGE_WITHIN, [...values, PAGE_MAX_BYTES]);
  const [first] = rows;
  if (!first) throw notFound();
  const placed = first.seq === null ? [] : rows;
  const wanted = placed.filter((row) => row.outbox_content === null);
  const texts = new Map();
  if (wanted.length > 0) {
    const range = { $gte: wanted[0].seq, $lte: wanted.at(-1).seq };
    for (const { message_id, content } of await messages
      .find({ conversation_id: conversationId, seq: range }, { projection: FIELDS, sort: { seq: 1 }, maxTimeMS: 1_000 })
      .toArray())
      texts.set(message_id, content);
  }
  return {
    messages: placed.map((row) => messageOf(conversationId, reader, row, row.outbox_content ?? textOf(texts, row))),
    has_more:
      direction === 'before'
        ? (placed[0]?.seq ?? first.lowest) > 1
        : (placed.at(-1)?.seq ?? first.highest) < first.last_seq,
  };
}

function textOf(texts, { message_id, seq }) {
  const text = texts.get(message_id);
  if (text === undefined) throw new Error(`the text of ${seq} is in neither store`);
  return text;
}

/** A message as a client sees it. */
export function messageOf(conversation_id, reader, row, content) {
  const isPerson = row.author !== 0;
  return {
    id: row.message_id,
    conversation_id,
    seq: row.seq,
    role: isPerson ? 'user' : 'model',
    author_id: isPerson ? row.author : null,
    author_name: isPerson ? row.author_name : null,
    content,
    client_id: row.author === reader ? row.client_key : null,
    answers_seq: row.answers_seq,
    reply: isPerson && row.reply_id !== null ? replyOf(row) : null,
    finish_reason: isPerson ? null : row.finish_reason,
    created_at: row.created_at.toISOString(),
  };
}

const replyOf = ({ reply_id: id, reply_status: status, is_input_cut, failure: code, retry_after_s }) => ({
  id,
  status,
  is_input_cut,
  failure: status === 'failed' ? { code, detail: '', retry_after_s } : null,
});

const INBOX = `
  select c.id, c.kind, c.title, c.assistant, c.created_at, c.updated_at, c.last_seq, c.member_count, m.read_seq, m.role, greatest(c.updated_at, m.joined_at) as sort_at, l.message_id, l.author,
    (select left(o.content, 200) from edgechat.outbox o where o.conversation_id = c.id and o.seq = c.last_seq and o.kind = 'store') as outbox_content, i.ordered_at
  from (
    select * from (
      (select i.account_id, i.conversation_id, i.ordered_at from edgechat.inbox i
       where i.account_id = $1 and i.ordered_at > '-infinity' order by i.ordered_at desc, i.conversation_id desc limit $2::bigint + 1 + $3::bigint)
      union all
      (select i.account_id, i.conversation_id, greatest(c.updated_at, m.joined_at) from edgechat.inbox i
         cross join lateral (select updated_at from edgechat.conversations t where t.id = i.conversation_id limit 1) c
         cross join lateral (select joined_at from edgechat.members t where t.conversation_id = i.conversation_id and t.account_id = i.account_id limit 1) m
       where i.account_id = $1 and i.ordered_at = '-infinity')
    ) pages order by ordered_at desc, conversation_id desc limit $2::int + 1 offset $3::bigint
  ) i
  cross join lateral (select * from edgechat.conversations t where t.id = i.conversation_id and t.deleted_at is null limit 1) c
  cross join lateral (select * from edgechat.members t where t.conversation_id = i.conversation_id and t.account_id = i.account_id limit 1) m
  left join lateral (select * from edgechat.messages t where t.conversation_id = i.conversation_id and t.seq = c.last_seq limit 1) l on true
  order by i.ordered_at desc, i.conversation_id desc`;

/** The texts at places, by message. A query per conversation, side by side: one with `$or` reads the whole collection in SecantusDB. @param {readonly { conversation_id: string, seq: number }[]} places */
export async function textsAt(places, fields = FIELDS) {
  const seqs = new Map();
  for (const { conversation_id, seq } of places) {
    const known = seqs.get(conversation_id);
    if (known) known.push(seq);
    else seqs.set(conversation_id, [seq]);
  }
  const find = ([conversation_id, $in]) =>
    messages
      .find({ conversation_id, seq: $in.length === 1 ? $in[0] : { $in } }, { projection: fields, maxTimeMS: 1_000 })
      .toArray();
  return new Map(
    (await Promise.all([...seqs].map(find))).flat().map((document) => [document.message_id, document.content]),
  );
}

export async function inboxPage(account, limit, skip) {
  const rows = await query('inbox', INBOX, [account, limit, skip]);
  const items = rows.slice(0, limit);
  const texts = await textsAt(
    items
      .filter((row) => row.last_seq > 0 && row.outbox_content === null)
      .map((row) => ({ conversation_id: row.id, seq: row.last_seq })),
    PREVIEWS,
  );
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    conversations: items.map((row) => conversationOf(row, row.outbox_content ?? texts.get(row.message_id) ?? null)),
    has_more: last !== undefined,
    next_cursor: last
      ? Buffer.from(
          JSON.stringify([
            ['conversations', account],
            [last.ordered_at.getTime(), last.id],
          ]),
        ).toString('base64url')
      : null,
  };
}

function conversationOf(row, text) {
  const updated_at = row.updated_at.toISOString();
  const isPerson = row.author !== 0;
  return {
    id: row.id,
    kind: row.kind,
    title: row.title,
    assistant: row.assistant,
    created_at: row.created_at.toISOString(),
    updated_at,
    sort_at: row.sort_at.toISOString(),
    message_count: row.last_seq,
    last_seq: row.last_seq,
    read_seq: row.read_seq,
    unread_count: row.last_seq - row.read_seq,
    member_count: row.member_count,
    my_role: row.role,
    last_message:
      text === null
        ? null
        : {
            seq: row.last_seq,
            role: isPerson ? 'user' : 'model',
            author_id: isPerson ? row.author : null,
            content: firstCharacters(text, 200),
            created_at: updated_at,
          },
  };
}

const firstCharacters = (text, max) =>
  text.length <= max
    ? text
    : Array.from(text.slice(0, max * 2))
        .slice(0, max)
        .join('');
