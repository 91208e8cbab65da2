import { Injectable } from '@nestjs/common';
import {
  accountId,
  cutText,
  pageOf,
  type AccountId,
  type ConversationId,
  type MessageId,
  type Page,
} from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { Conversation, LastMessage } from '../domain/conversation.js';
import { MessageDocuments } from '../persistence/message-documents.js';

/** Where a page of the inbox begins: behind a place in its order, or after `skip` conversations, which costs what it skips. */
export type InboxStart =
  | { readonly by: 'skip'; readonly skip: number }
  | { readonly by: 'place'; readonly orderedAt: Date; readonly id: ConversationId };

interface InboxRow {
  readonly id: ConversationId;
  readonly kind: Conversation['kind'];
  readonly title: string | null;
  readonly assistant: Conversation['assistant'];
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly last_seq: number;
  readonly read_seq: number;
  readonly member_count: number;
  readonly role: Conversation['myRole'];
  readonly sort_at: Date;
  readonly message_id: MessageId | null;
  readonly author: number;
  readonly outbox_content: string | null;
}

interface PlacedRow extends InboxRow {
  /** By which it was found: where messages are not delivered yet, earlier than `sort_at`. */
  readonly ordered_at: Date;
}

const COLUMNS = `c.id, c.kind, c.title, c.assistant, c.created_at, c.updated_at, c.last_seq, c.member_count, m.read_seq, m.role, greatest(c.updated_at, m.joined_at) as sort_at, l.message_id, l.author,
  (select left(o.content, 200) from edgechat.outbox o where o.conversation_id = c.id and o.seq = c.last_seq and o.kind = 'store') as outbox_content`;
// Row by row, by the whole key: a join is free to read all messages of a conversation for its last one, where most conversations have only a few.
const JOINS = `cross join lateral (select * from edgechat.conversations t where t.id = i.conversation_id and t.deleted_at is null limit 1) c
  cross join lateral (select * from edgechat.members t where t.conversation_id = i.conversation_id and t.account_id = i.account_id limit 1) m
  left join lateral (select * from edgechat.messages t where t.conversation_id = i.conversation_id and t.seq = c.last_seq limit 1) l on true`;
/** The instant of a conversation that is ordered on reading: `-infinity` in the inbox, and so behind all others by the index; an account has at most 500 such rows. */
const LARGE = "'-infinity'";
const page = (behind: (orderedAt: string, id: string) => string, skip: string): string => `
  select ${COLUMNS}, i.ordered_at
  from (
    select * from (
      (select i.account_id, i.conversation_id, i.ordered_at from edgechat.inbox i
       where i.account_id = $1 and i.ordered_at > ${LARGE} ${behind('i.ordered_at', 'i.conversation_id')} order by i.ordered_at desc, i.conversation_id desc limit $2::bigint + 1 ${skip && `+ ${skip}`})
      union all
      (select i.account_id, i.conversation_id, g.sort_at from edgechat.inbox i
         cross join lateral (select updated_at from edgechat.conversations t where t.id = i.conversation_id limit 1) c
         cross join lateral (select joined_at from edgechat.members t where t.conversation_id = i.conversation_id and t.account_id = i.account_id limit 1) m
         cross join lateral (select greatest(c.updated_at, m.joined_at) as sort_at) g
       where i.account_id = $1 and i.ordered_at = ${LARGE} ${behind('g.sort_at', 'i.conversation_id')})
    ) pages order by ordered_at desc, conversation_id desc limit $2::int + 1 ${skip && `offset ${skip}`}
  ) i ${JOINS}
  order by i.ordered_at desc, i.conversation_id desc`;

const INBOX_SKIP: Statement = { name: 'conversations.inbox_skip', text: page(() => '', '$3::bigint') };
const INBOX_AFTER: Statement = {
  name: 'conversations.inbox_after',
  text: page((orderedAt, id) => `and (${orderedAt}, ${id}) < ($3::timestamptz, $4::uuid)`, ''),
};
const ONE: Statement = {
  name: 'conversations.find_one',
  text: `select ${COLUMNS} from (select $1::bigint as account_id, $2::uuid as conversation_id) i ${JOINS}`,
};

const PREVIEW_MAX = 200;

/** Reads conversations as one of their members sees them: one round trip to PostgreSQL, and one to MongoDB where a newest message is there. */
@Injectable()
export class ListConversations {
  constructor(
    private readonly postgres: Postgres,
    private readonly documents: MessageDocuments,
    private readonly log: Log,
  ) {}

  /**
   * A page of an account's conversations in the order of `sortAt`, the latest first, at most `limit` (1–100). `next` is where the following page begins.
   * One whose newest message was not delivered to this inbox yet may stand on a page behind its place, with the instant that it has.
   * @throws Unavailable `postgres`, `mongo`
   */
  async page(
    account: AccountId,
    limit: number,
    start: InboxStart,
  ): Promise<Page<Conversation> & { readonly next: { orderedAt: Date; id: ConversationId } | null }> {
    const rows =
      start.by === 'skip'
        ? await this.postgres.query<PlacedRow>(INBOX_SKIP, [account, limit, start.skip])
        : await this.postgres.query<PlacedRow>(INBOX_AFTER, [account, limit, start.orderedAt, start.id]);
    const { items, hasMore } = pageOf(rows, limit);
    const last = items.at(-1);
    return {
      items: (await this.withLastMessages(account, items)).sort(latestFirst),
      hasMore,
      next: hasMore && last ? { orderedAt: last.ordered_at, id: last.id } : null,
    };
  }

  /** One conversation, or null when it is not there or not the account's. @throws Unavailable `postgres`, `mongo` */
  async find(account: AccountId, id: ConversationId): Promise<Conversation | null> {
    const rows = await this.postgres.query<InboxRow>(ONE, [account, id]);
    return (await this.withLastMessages(account, rows))[0] ?? null;
  }

  private async withLastMessages(account: AccountId, rows: readonly InboxRow[]): Promise<Conversation[]> {
    const places = rows
      .filter((row) => row.last_seq > 0 && row.outbox_content === null)
      .map((row) => ({ conversation_id: row.id, seq: row.last_seq }));
    const stored = places.length > 0 ? await this.documents.listBeginnings(places, PREVIEW_MAX, account) : [];
    const texts = new Map(stored.map((document) => [document.message_id, document.content]));
    const lost = places.filter(
      (place) => !stored.some((document) => document.conversation_id === place.conversation_id),
    );
    if (lost.length > 0) this.log.error('texts of the ledger are in neither store', { places: lost });
    return rows.map((row) => toConversation(row, row.outbox_content ?? texts.get(row.message_id ?? '') ?? null));
  }
}

/** In the order of the statements, ids too: as texts they compare as they do in PostgreSQL. */
function latestFirst(one: Conversation, other: Conversation): number {
  const later = other.sortAt.getTime() - one.sortAt.getTime();
  return later === 0 ? (one.id < other.id ? 1 : -1) : later;
}

function toConversation(row: InboxRow, text: string | null): Conversation {
  return {
    id: row.id,
    kind: row.kind,
    title: row.title,
    assistant: row.assistant,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    sortAt: row.sort_at,
    lastSeq: row.last_seq,
    readSeq: row.read_seq,
    memberCount: row.member_count,
    myRole: row.role,
    lastMessage: text === null ? null : lastMessage(row, text),
  };
}

function lastMessage(row: InboxRow, text: string): LastMessage {
  const isPerson = row.author !== 0;
  return {
    seq: row.last_seq,
    role: isPerson ? 'user' : 'model',
    authorId: isPerson ? accountId(row.author) : null,
    content: cutText(text, PREVIEW_MAX),
    createdAt: row.updated_at,
  };
}
