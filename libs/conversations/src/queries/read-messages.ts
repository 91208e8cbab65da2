import { Injectable } from '@nestjs/common';
import { accountId, pause, Refusal, Unavailable, type AccountId, type ConversationId, type MessageId, type Page } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import type { Message } from '../domain/message.js';
import { MessageDocuments } from '../persistence/message-documents.js';

/** Which messages: from the `from`th on (0 = the first), the newest below a seq, or the oldest above one. Beyond the end means the end. */
export interface MessageRange {
  readonly direction: 'skip' | 'before' | 'after';
  readonly from: number;
  /** 1–100 */
  readonly limit: number;
}

interface LedgerRow {
  readonly last_seq: number;
  readonly lowest: number;
  readonly highest: number;
  readonly seq: number | null;
  readonly message_id: MessageId;
  readonly author: number;
  readonly author_name: string | null;
  readonly client_key: string | null;
  readonly answers_seq: number | null;
  readonly created_at: Date;
  readonly outbox_content: string | null;
}

// Who is not a member gets no row, like for a conversation that is not there. `$2` is null when the assistant reads its history.
// Names and texts are looked up by key per row: the plan, and so the cost, stays the same however long the conversation is.
const LEDGER_RANGE: Statement = {
  name: 'conversations.ledger_range',
  text: `
    with c as materialized (
      select c.id, c.last_seq from edgechat.conversations c
      where c.id = $1 and c.deleted_at is null
        and ($2::bigint is null or exists (select from edgechat.members m where m.conversation_id = c.id and m.account_id = $2))
    ), r as materialized (
      select id, last_seq,
        case when $3 = 'before' then greatest(least($4::bigint, last_seq + 1) - $5::int, 1) else least($4::bigint, last_seq) + 1 end as lowest,
        case when $3 = 'before' then least($4::bigint, last_seq + 1) - 1 else least(least($4::bigint, last_seq) + $5::int, last_seq) end as highest
      from c
    )
    select r.last_seq, r.lowest, r.highest, m.seq, m.message_id, m.author, m.client_key, m.answers_seq, m.created_at,
      (select coalesce(a.display_name, 'User ' || a.id) from edgechat.accounts a where a.id = m.author) as author_name,
      (select o.content from edgechat.outbox o where o.conversation_id = m.conversation_id and o.seq = m.seq and o.kind = 'store') as outbox_content
    from r left join lateral (
      select * from edgechat.messages m where m.conversation_id = r.id and m.seq >= r.lowest and m.seq <= r.highest order by m.seq limit $5::int
    ) m on true
    order by m.seq`,
};

const LATER_ANSWERS: Statement = {
  name: 'conversations.later_answers',
  // Earlier answers come soon after a question, since the lowest question is answered first: 200 places are looked at, not the rest of the conversation.
  text: `select seq from (select seq, answers_seq from edgechat.messages where conversation_id = $1 and seq > $2 order by seq limit 200) near where answers_seq < $2 order by seq desc limit 20`,
};

const REREAD_AFTER_MS = 50;

interface Ledger {
  readonly rows: readonly LedgerRow[];
  readonly messages: readonly Message[];
  /** Seqs whose text is in neither store. */
  readonly lost: readonly number[];
}

type PlacedRow = LedgerRow & { readonly seq: number };

/**
 * Reads a range of messages: PostgreSQL first (membership, the order, what MongoDB may not have yet), then MongoDB for the rest. At most one round trip to each, however long the conversation is.
 * The ledger wins: a document that it does not know is passed over, and a page never has a hole.
 */
@Injectable()
export class ReadMessages {
  constructor(private readonly postgres: Postgres, private readonly documents: MessageDocuments, private readonly log: Log) {}

  /**
   * A page as a member sees it, oldest first; `hasMore` is exact, in the direction asked for.
   * @throws Refusal `conversation_not_found`
   * @throws Unavailable `postgres`, `mongo`; also, rather than show a hole, when a text is in neither store
   */
  async page(conversationId: ConversationId, reader: AccountId, range: MessageRange): Promise<Page<Message>> {
    const { rows, messages, lost } = await this.read(this.postgres, conversationId, reader, range);
    const [first] = rows;
    if (!first) throw new Refusal('conversation_not_found', 'Conversation not found');
    if (lost.length > 0) throw new Unavailable('mongo', { detail: 'A part of this conversation cannot be read right now. Try again shortly.' });
    return { items: messages, hasMore: range.direction === 'before' ? first.lowest > 1 : first.highest < first.last_seq };
  }

  /**
   * The newest messages up to and with `highestSeq`, oldest first, at most `limit`; none when the conversation is gone. For work inside: one whose text is lost is left out, and told in the log.
   * @param sql the caller's transaction, if it has one
   * @throws Unavailable `postgres`, `mongo`
   */
  async upTo(conversationId: ConversationId, highestSeq: number, limit: number, sql: Sql = this.postgres): Promise<readonly Message[]> {
    return (await this.read(sql, conversationId, null, { direction: 'before', from: highestSeq + 1, limit })).messages;
  }

  /** Answers to earlier questions that got their numbers after this question, oldest first, at most 20. @throws Unavailable `postgres`, `mongo` */
  async answersAfter(conversationId: ConversationId, questionSeq: number): Promise<readonly Message[]> {
    const rows = await this.postgres.query<{ seq: number }>(LATER_ANSWERS, [conversationId, questionSeq]);
    const lowest = rows.at(-1)?.seq;
    if (lowest === undefined) return [];
    const { messages } = await this.read(this.postgres, conversationId, null, { direction: 'after', from: lowest - 1, limit: 100 });
    return messages.filter(({ answersSeq }) => answersSeq !== null && answersSeq < questionSeq);
  }

  /** A text can move from the outbox to MongoDB between the two reads; what is in neither store at a second look is lost. */
  private async read(sql: Sql, conversationId: ConversationId, reader: AccountId | null, range: MessageRange): Promise<Ledger> {
    const first = await this.readOnce(sql, conversationId, reader, range);
    if (first.lost.length === 0) return first;

    await pause(REREAD_AFTER_MS);
    const second = await this.readOnce(sql, conversationId, reader, range);
    if (second.lost.length > 0) this.log.error('texts of the ledger are in neither store', { conversationId, seqs: second.lost });
    return second;
  }

  private async readOnce(sql: Sql, conversationId: ConversationId, reader: AccountId | null, range: MessageRange): Promise<Ledger> {
    const rows = await sql.query<LedgerRow>(LEDGER_RANGE, [conversationId, reader, range.direction, range.from, range.limit]);
    const placed = rows.filter((row): row is PlacedRow => row.seq !== null);
    const texts = await this.stored(conversationId, placed);
    const messages: Message[] = [];
    const lost: number[] = [];
    for (const row of placed) {
      const content = row.outbox_content ?? texts.get(row.message_id);
      if (content === undefined) lost.push(row.seq);
      else messages.push(toMessage(conversationId, reader, row, content));
    }
    return { rows, messages, lost };
  }

  /** The texts that MongoDB has of these rows; it is not asked for what the outbox has: fresh messages can be read while it is away. */
  private async stored(conversationId: ConversationId, rows: readonly PlacedRow[]): Promise<Map<string, string>> {
    const wanted = rows.filter((row) => row.outbox_content === null).map(({ seq }) => seq);
    const [lowest, highest] = [wanted[0], wanted.at(-1)];
    if (lowest === undefined || highest === undefined) return new Map();
    const documents = await this.documents.listRange(conversationId, lowest, highest);
    return new Map(documents.map((document) => [document.message_id, document.content]));
  }
}

function toMessage(conversationId: ConversationId, reader: AccountId | null, row: PlacedRow, content: string): Message {
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
    createdAt: row.created_at,
  };
}
