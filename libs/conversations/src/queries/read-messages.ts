import { Injectable } from '@nestjs/common';
import { accountId, pause, Refusal, Unavailable, type AccountId, type ConversationId, type MessageId, type Page } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
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
  text: `select seq from edgechat.messages where conversation_id = $1 and answers_seq is not null and answers_seq < $2 and seq > $2 order by seq desc limit 20`,
};

const REREAD_AFTER_MS = 50;

/**
 * Reads a range of messages: PostgreSQL first (membership, the order, what MongoDB may not have yet), then MongoDB. One round trip to each, however long the conversation is.
 * The ledger wins: a document that it does not know is passed over, and a page never has a hole.
 */
@Injectable()
export class ReadMessages {
  constructor(private readonly postgres: Postgres, private readonly documents: MessageDocuments, private readonly log: Log) {}

  /**
   * A page as a member sees it, oldest first; `hasMore` is exact, in the direction asked for.
   * @throws Refusal `conversation_not_found`
   * @throws Unavailable `postgres`, `mongo`
   */
  async page(conversationId: ConversationId, reader: AccountId, range: MessageRange): Promise<Page<Message>> {
    const { rows, messages } = await this.read(conversationId, reader, range);
    const [first] = rows;
    if (!first) throw new Refusal('conversation_not_found', 'Conversation not found');
    return { items: messages, hasMore: range.direction === 'before' ? first.lowest > 1 : first.highest < first.last_seq };
  }

  /** The newest messages up to and with `highestSeq`, oldest first, at most `limit`; none when the conversation is gone. @throws Unavailable */
  async upTo(conversationId: ConversationId, highestSeq: number, limit: number): Promise<readonly Message[]> {
    return (await this.read(conversationId, null, { direction: 'before', from: highestSeq + 1, limit })).messages;
  }

  /** Answers to earlier questions that got their numbers after this question, oldest first, at most the newest 20. @throws Unavailable */
  async answersAfter(conversationId: ConversationId, questionSeq: number): Promise<readonly Message[]> {
    const rows = await this.postgres.query<{ seq: number }>(LATER_ANSWERS, [conversationId, questionSeq]);
    const lowest = rows.at(-1)?.seq;
    if (lowest === undefined) return [];
    const range = await this.read(conversationId, null, { direction: 'after', from: lowest - 1, limit: 100 });
    return range.messages.filter(({ answersSeq }) => answersSeq !== null && answersSeq < questionSeq);
  }

  private async read(conversationId: ConversationId, reader: AccountId | null, range: MessageRange, isSecondLook = false): Promise<{ rows: LedgerRow[]; messages: Message[] }> {
    const rows = await this.postgres.query<LedgerRow>(LEDGER_RANGE, [conversationId, reader, range.direction, range.from, range.limit]);
    const placed = rows.filter((row): row is LedgerRow & { seq: number } => row.seq !== null);
    const [first] = placed;
    if (!first) return { rows, messages: [] };

    const stored = await this.documents.listRange(conversationId, first.lowest, first.highest);
    const texts = new Map(stored.map((document) => [document.message_id, document.content]));
    const messages: Message[] = [];
    for (const row of placed) {
      const content = row.outbox_content ?? texts.get(row.message_id);
      if (content !== undefined) messages.push(toMessage(conversationId, reader, row, content));
    }
    if (messages.length === first.highest - first.lowest + 1) return { rows, messages };
    return this.lookAgain(conversationId, reader, range, isSecondLook);
  }

  /** A text can move from the outbox to MongoDB between the two reads; what is in neither store at a second look is lost. */
  private async lookAgain(conversationId: ConversationId, reader: AccountId | null, range: MessageRange, isSecondLook: boolean): Promise<{ rows: LedgerRow[]; messages: Message[] }> {
    if (isSecondLook) {
      this.log.error('a message of the ledger has its text in neither store', { conversationId, range });
      throw new Unavailable('mongo', { detail: 'A part of this conversation cannot be read right now. Try again shortly.' });
    }
    await pause(REREAD_AFTER_MS);
    return this.read(conversationId, reader, range, true);
  }
}

function toMessage(conversationId: ConversationId, reader: AccountId | null, row: LedgerRow & { seq: number }, content: string): Message {
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
