import { Injectable } from '@nestjs/common';
import {
  accountId,
  pause,
  Refusal,
  Unavailable,
  type AccountId,
  type ConversationId,
  type MessageId,
  type Page,
} from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import type { Message } from '../domain/message.js';
import { MessageDocuments, type StoredText } from '../persistence/message-documents.js';

/** Which messages: from the `from`th on (0 = the first), the newest below a seq, or the oldest above one. Beyond the end means the end. */
export interface MessageRange {
  readonly direction: 'skip' | 'before' | 'after';
  readonly from: number;
  /** 1–100 */
  readonly limit: number;
}

/** Where a message is. */
export interface MessagePlace {
  readonly conversationId: ConversationId;
  readonly seq: number;
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

const LEDGER_COLUMNS = `m.message_id, m.author, m.client_key, m.answers_seq, m.created_at,
      (select coalesce(a.display_name, 'User ' || a.id) from edgechat.accounts a where a.id = m.author) as author_name,
      (select o.content from edgechat.outbox o where o.conversation_id = m.conversation_id and o.seq = m.seq and o.kind = 'store') as outbox_content`;

// Who is not a member gets no row, like for a conversation that is not there. `$2` is null when the assistant reads its history.
// Names and texts are looked up by key per row: the plan, and so the cost, stays the same however long the conversation is. (The membership too, by a subselect with a value: for `exists` a plan may read all rows of the table once.)
const LEDGER_RANGE: Statement = {
  name: 'conversations.ledger_range',
  text: `
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
    select r.last_seq, r.lowest, r.highest, m.seq, ${LEDGER_COLUMNS}
    from r left join lateral (
      select * from edgechat.messages m where m.conversation_id = r.id and m.seq >= r.lowest and m.seq <= r.highest order by m.seq limit $5::int
    ) m on true
    order by m.seq`,
};

const LEDGER_PLACES: Statement = {
  name: 'conversations.ledger_places',
  text: `
    select m.conversation_id, m.seq, ${LEDGER_COLUMNS}
    from unnest($2::uuid[], $3::bigint[]) with ordinality p(conversation_id, seq, n)
      cross join lateral (select * from edgechat.messages t where t.conversation_id = p.conversation_id and t.seq = p.seq limit 1) m
    where $1::bigint is null or (select true from edgechat.members u where u.conversation_id = p.conversation_id and u.account_id = $1)
    order by p.n`,
};

const LATER_ANSWERS: Statement = {
  name: 'conversations.later_answers',
  // Any number of people's messages may stand between a question and its answer. The answers to the 100 nearest questions before this one are looked at, not the rest of the conversation.
  text: `select seq from (select seq from edgechat.messages where conversation_id = $1 and answers_seq < $2 order by answers_seq desc limit 100) near where seq > $2 order by seq desc limit 20`,
};

const REREAD_AFTER_MS = 50;

interface Ledger {
  readonly rows: readonly LedgerRow[];
  readonly messages: readonly Message[];
  /** Seqs whose text is in neither store. */
  readonly lost: readonly number[];
}

type PlacedRow = LedgerRow & { readonly seq: number };
type FoundRow = PlacedRow & { readonly conversation_id: ConversationId };

/**
 * Reads a range of messages: PostgreSQL first (membership, the order, what MongoDB may not have yet), then MongoDB for the rest. At most one round trip to each, however long the conversation is.
 * The ledger wins: a document that it does not know is passed over, and a page never has a hole.
 */
@Injectable()
export class ReadMessages {
  constructor(
    private readonly postgres: Postgres,
    private readonly documents: MessageDocuments,
    private readonly log: Log,
  ) {}

  /**
   * A page as a member sees it, oldest first; `hasMore` is exact, in the direction asked for.
   * @throws Refusal `conversation_not_found`
   * @throws Unavailable `postgres`, `mongo`; also, rather than show a hole, when a text is in neither store
   */
  async page(conversationId: ConversationId, reader: AccountId, range: MessageRange): Promise<Page<Message>> {
    const { rows, messages, lost } = await this.read(this.postgres, conversationId, reader, range);
    const [first] = rows;
    if (!first) throw new Refusal('conversation_not_found', 'Conversation not found');
    if (lost.length > 0)
      throw new Unavailable('mongo', {
        detail: 'A part of this conversation cannot be read right now. Try again shortly.',
      });
    return {
      items: messages,
      hasMore: range.direction === 'before' ? first.lowest > 1 : first.highest < first.last_seq,
    };
  }

  /** One message as a member sees it. @throws Refusal `conversation_not_found`, `message_not_found` @throws Unavailable `postgres`, `mongo` */
  async one(conversationId: ConversationId, reader: AccountId, seq: number): Promise<Message> {
    const {
      items: [message],
    } = await this.page(conversationId, reader, { direction: 'after', from: Math.max(0, seq - 1), limit: 1 });
    if (message?.seq !== seq)
      throw new Refusal('message_not_found', 'There is no message with this number in the conversation.');
    return message;
  }

  /**
   * The messages at these places, at most 100, in the order asked for. Those that are not there, or not the reader's to see at this moment, are left out; one whose text is lost too, and told in the log.
   * One round trip to each store. @throws Unavailable `postgres`, `mongo`
   */
  async places(reader: AccountId, places: readonly MessagePlace[]): Promise<readonly Message[]> {
    return this.readPlaces(reader, places);
  }

  /**
   * The newest messages up to and with `highestSeq`, oldest first, at most `limit`; none when the conversation is gone. For work inside: one whose text is lost is left out, and told in the log.
   * @param sql the caller's transaction, if it has one
   * @throws Unavailable `postgres`, `mongo`
   */
  async upTo(
    conversationId: ConversationId,
    highestSeq: number,
    limit: number,
    sql: Sql = this.postgres,
  ): Promise<readonly Message[]> {
    return (await this.read(sql, conversationId, null, { direction: 'before', from: highestSeq + 1, limit })).messages;
  }

  /** Answers to earlier questions that got their numbers after this question, oldest first, at most 20. @throws Unavailable `postgres`, `mongo` */
  async answersAfter(conversationId: ConversationId, questionSeq: number): Promise<readonly Message[]> {
    const rows = await this.postgres.query<{ seq: number }>(LATER_ANSWERS, [conversationId, questionSeq]);
    return this.readPlaces(null, rows.map(({ seq }) => ({ conversationId, seq })).reverse());
  }

  private read(
    sql: Sql,
    conversationId: ConversationId,
    reader: AccountId | null,
    range: MessageRange,
  ): Promise<Ledger> {
    return this.withSecondLook(
      () => this.readOnce(sql, conversationId, reader, range),
      (seqs) => ({ conversationId, seqs }),
    );
  }

  private async readPlaces(reader: AccountId | null, places: readonly MessagePlace[]): Promise<readonly Message[]> {
    if (places.length === 0) return [];
    return (
      await this.withSecondLook(
        () => this.placesOnce(reader, places),
        (lost) => ({ places: lost }),
      )
    ).messages;
  }

  /** A text can move from the outbox to MongoDB between the two reads; what is in neither store at a second look is lost, and told with what `tell` makes of it. */
  private async withSecondLook<Look extends { readonly lost: readonly unknown[] }>(
    look: () => Promise<Look>,
    tell: (lost: Look['lost']) => object,
  ): Promise<Look> {
    const first = await look();
    if (first.lost.length === 0) return first;

    await pause(REREAD_AFTER_MS);
    const second = await look();
    if (second.lost.length > 0) this.log.error('texts of the ledger are in neither store', tell(second.lost));
    return second;
  }

  private async readOnce(
    sql: Sql,
    conversationId: ConversationId,
    reader: AccountId | null,
    range: MessageRange,
  ): Promise<Ledger> {
    const rows = await sql.query<LedgerRow>(LEDGER_RANGE, [
      conversationId,
      reader,
      range.direction,
      range.from,
      range.limit,
    ]);
    const placed = rows.filter((row): row is PlacedRow => row.seq !== null);
    const { messages, lost } = matched(placed, await this.stored(conversationId, placed), (row, content) =>
      toMessage(conversationId, reader, row, content),
    );
    return { rows, messages, lost: lost.map(({ seq }) => seq) };
  }

  private async placesOnce(
    reader: AccountId | null,
    places: readonly MessagePlace[],
  ): Promise<{ messages: readonly Message[]; lost: readonly MessagePlace[] }> {
    const rows = await this.postgres.query<FoundRow>(LEDGER_PLACES, [
      reader,
      places.map(({ conversationId }) => conversationId),
      places.map(({ seq }) => seq),
    ]);
    const wanted = rows
      .filter((row) => row.outbox_content === null)
      .map(({ conversation_id, seq }) => ({ conversation_id, seq }));
    const stored = wanted.length > 0 ? await this.documents.listPlaces(wanted) : [];
    const { messages, lost } = matched(rows, stored, (row, content) =>
      toMessage(row.conversation_id, reader, row, content),
    );
    return { messages, lost: lost.map((row) => ({ conversationId: row.conversation_id, seq: row.seq })) };
  }

  /** The texts that MongoDB has of these rows; it is not asked for what the outbox has: fresh messages can be read while it is away. */
  private async stored(conversationId: ConversationId, rows: readonly PlacedRow[]): Promise<readonly StoredText[]> {
    const wanted = rows.filter((row) => row.outbox_content === null).map(({ seq }) => seq);
    const [lowest, highest] = [wanted[0], wanted.at(-1)];
    if (lowest === undefined || highest === undefined) return [];
    return this.documents.listRange(conversationId, lowest, highest);
  }
}

/** The messages of these rows, with their texts from the outbox or MongoDB, by the ledger's ids; and the rows whose text is in neither. */
function matched<Row extends PlacedRow>(
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
