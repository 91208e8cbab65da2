import { accountId, type AccountId, type ConversationId, type MessageId, type ReplyId } from '@edgechat/kernel';
import type { Statement } from '@edgechat/platform/postgres';
import type { Message, MessageReply, ReplyStatus } from '../domain/message.js';
import type { StoredText } from '../persistence/message-documents.js';
import { UNKNOWN_BYTES } from '../persistence/text-reads.js';

/** What the ledger knows of a message, and its text while that is owed to MongoDB. */
export interface LedgerRow {
  readonly seq: number;
  readonly message_id: MessageId;
  readonly author: number;
  readonly author_name: string | null;
  readonly client_key: string | null;
  readonly answers_seq: number | null;
  readonly created_at: Date;
  /** Of the text, in UTF-8; null when a release before sent it, that did not count them. */
  readonly bytes: number | null;
  readonly outbox_content: string | null;
  /** Of the reply to this message, or that this message ended; null where there is none, and for work inside. */
  readonly reply_id: ReplyId | null;
  readonly reply_status: ReplyStatus | null;
  readonly is_input_cut: boolean | null;
  readonly failure: string | null;
  readonly retry_after_s: number | null;
  readonly finish_reason: string | null;
}

/** A row of a range: also when there is no message in it, for who may read the conversation. */
export interface RangeRow extends Omit<LedgerRow, 'seq'> {
  readonly last_seq: number;
  readonly lowest: number;
  readonly highest: number;
  readonly seq: number | null;
}

/** A row of a place that was asked for: `nth` of them (from 1 on), one of `found`. */
export interface PlaceRow extends LedgerRow {
  readonly conversation_id: ConversationId;
  readonly nth: number;
  readonly found: number;
}

const COLUMNS = `m.message_id, m.author, m.client_key, m.answers_seq, m.created_at, m.bytes,
      (select coalesce(a.display_name, 'User ' || a.id) from edgechat.accounts a where a.id = m.author) as author_name,
      (select o.content from edgechat.outbox o where o.conversation_id = m.conversation_id and o.seq = m.seq and o.kind = 'store') as outbox_content,
      p.id as reply_id, p.status as reply_status, p.is_input_cut, coalesce(p.failure, p.failure_code) as failure, p.retry_after_s, p.finish_reason`;

/** The reply that a message asked for, or ended, looked up by its key for who reads (`reader`); for work inside it is not read at all. */
const REPLY = (reader: string): string => `
    left join lateral (select * from edgechat.replies t where ${reader}::bigint is not null and t.conversation_id = m.conversation_id and t.question_seq = coalesce(m.answers_seq, m.seq) limit 1) p on true`;

// Who is not a member gets no row, like for a conversation that is not there. `$2` is null when the assistant reads its history.
// Names and texts are looked up by key per row: the plan, and so the cost, stays the same however long the conversation is. (The membership too, by a subselect with a value: for `exists` a plan may read all rows of the table once.)
const range = (messages: string): string => `
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
    select r.last_seq, r.lowest, r.highest, m.seq, ${COLUMNS}
    from r left join lateral (${messages}) m on true${REPLY('$2')}
    order by m.seq`;
const MESSAGES = `select * from edgechat.messages m where m.conversation_id = r.id and m.seq >= r.lowest and m.seq <= r.highest order by m.seq limit $5::int`;

/** All messages of a range: $1 conversation, $2 reader, $3 direction, $4 from, $5 how many at most. */
export const LEDGER_RANGE: Statement = { name: 'conversations.ledger_range', text: range(MESSAGES) };

/** Those of a range that are nearest to where it begins, as far as they have at most $6 bytes together; at least one. What is beyond is not read, the texts in the outbox least of all. */
export const LEDGER_RANGE_WITHIN: Statement = {
  name: 'conversations.ledger_range_within',
  text: range(`
      select * from (
        select m.*, sum(coalesce(m.bytes, 0)) over (order by case when $3 = 'before' then -m.seq else m.seq end) as bytes_so_far from (${MESSAGES}) m
      ) m where m.bytes_so_far <= $6::bigint or m.seq = case when $3 = 'before' then r.highest else r.lowest end`),
};

/** The messages at places ($2 and $3) that $1 may read, or with $1 null anybody; of them the first ones, as far as they have at most $4 bytes together (null: however many), at least one. */
export const LEDGER_PLACES: Statement = {
  name: 'conversations.ledger_places',
  text: `
    select m.conversation_id, m.seq, m.nth, m.found, ${COLUMNS}
    from (
      select m.*, p.nth, count(*) over () as found, row_number() over (order by p.nth) as place, sum(coalesce(m.bytes, 0)) over (order by p.nth) as bytes_so_far
      from unnest($2::uuid[], $3::bigint[]) with ordinality p(conversation_id, seq, nth)
        cross join lateral (select * from edgechat.messages t where t.conversation_id = p.conversation_id and t.seq = p.seq limit 1) m
      where $1::bigint is null or (select true from edgechat.members u where u.conversation_id = p.conversation_id and u.account_id = $1)
    ) m${REPLY('$1')}
    where $4::bigint is null or m.bytes_so_far <= $4 or m.place = 1
    order by m.nth`,
};

/** Seqs of the answers to earlier questions that came after the question $2 of the conversation $1. */
export const LATER_ANSWERS: Statement = {
  name: 'conversations.later_answers',
  // Any number of people's messages may stand between a question and its answer. The answers to the 100 nearest questions before this one are looked at, not the rest of the conversation.
  text: `select seq from (select seq from edgechat.messages where conversation_id = $1 and answers_seq < $2 order by answers_seq desc limit 100) near where seq > $2 order by seq desc limit 20`,
};

/** Bytes of the texts of these rows, about where the ledger does not know. */
export const bytesOf = (rows: readonly Pick<LedgerRow, 'bytes'>[]): number =>
  rows.reduce((sum, { bytes }) => sum + (bytes ?? UNKNOWN_BYTES), 0);

/**
 * How many of these texts, from the first on, have at most `maxBytes` together: at least one.
 * For where the ledger does not know: what it knows was left out before.
 */
export function countWithin(texts: readonly string[], maxBytes: number): number {
  let bytes = 0;
  const beyond = texts.findIndex((text, n) => {
    bytes += Buffer.byteLength(text);
    return n > 0 && bytes > maxBytes;
  });
  return beyond < 0 ? texts.length : beyond;
}

/** The messages of these rows, with their texts from the outbox or MongoDB, by the ledger's ids; and the rows whose text is in neither. */
export function matched<Row extends LedgerRow>(
  rows: readonly Row[],
  stored: readonly StoredText[],
  toOne: (row: Row, content: string) => Message,
): { readonly messages: readonly Message[]; readonly lost: readonly Row[] } {
  const texts = new Map(stored.map((document) => [document.message_id, document.content]));
  const messages: Message[] = [];
  const lost: Row[] = [];
  for (const row of rows) {
    const content = row.outbox_content ?? texts.get(row.message_id);
    if (content === undefined) lost.push(row);
    else messages.push(toOne(row, content));
  }
  return { messages, lost };
}

/** A message as its reader sees it: only the author sees the client key. */
export function toMessage(
  conversationId: ConversationId,
  reader: AccountId | null,
  row: LedgerRow,
  content: string,
): Message {
  const isPerson = row.author !== 0;
  return {
    id: row.message_id,
    conversationId,
    seq: row.seq,
    role: isPerson ? 'user' : 'model',
    authorId: isPerson ? accountId(row.author) : null,
    authorName: isPerson ? row.author_name : null,
    content,
    clientKey: row.author === reader ? row.client_key : null,
    answersSeq: row.answers_seq,
    reply: isPerson ? replyOf(row) : null,
    finishReason: isPerson ? null : row.finish_reason,
    createdAt: row.created_at,
  };
}

function replyOf(row: LedgerRow): MessageReply | null {
  if (row.reply_id === null || row.reply_status === null) return null;
  const isOver = row.reply_status === 'done' || row.reply_status === 'failed';
  return {
    id: row.reply_id,
    status: row.reply_status,
    isInputCut: isOver && row.is_input_cut === true,
    // (Of one that is asked anew, or waits for its provider, the row has the failure before.)
    failure:
      row.reply_status === 'failed' ? { code: row.failure ?? 'ai_failed', retryAfterS: row.retry_after_s } : null,
  };
}
