import { Injectable } from '@nestjs/common';
import { ReadMessages } from '@edgechat/conversations';
import { accountId, Slices, type ConversationId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Outbox, type Debt, type PreparedDebt } from '@edgechat/platform/outbox';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import { DailyUse } from '@edgechat/usage';
import { tsvectorOf } from '../domain/terms.js';

// The lock holds off the deletion of the conversations, and no send: no row is written that the purge would not see. In a statement of its own: it may have to wait for that deletion.
const LOCK: Statement = {
  name: 'search.lock_conversations',
  text: 'select id from edgechat.conversations where id = any($1::uuid[]) and deleted_at is null order by id for key share',
};
// Who wrote it and when is the ledger's to say. What is there as it should be is not written again: a rebuild leaves nothing behind to be cleaned up.
const INDEX: Statement = {
  name: 'search.index',
  text: `insert into edgechat.search_words as t (conversation_id, seq, author, created_at, words)
         select m.conversation_id, m.seq, m.author, m.created_at, x.words::tsvector
         from unnest($1::uuid[], $2::bigint[], $3::text[]) x(conversation_id, seq, words)
           cross join lateral (select * from edgechat.messages l where l.conversation_id = x.conversation_id and l.seq = x.seq limit 1) m
         on conflict (conversation_id, seq) do update set words = excluded.words, author = excluded.author, created_at = excluded.created_at
         where (t.words, t.author, t.created_at) is distinct from (excluded.words, excluded.author, excluded.created_at)
         returning conversation_id, seq, author`,
};

const BATCH = 100;
/** A batch must stay far below what a transaction may last: four of the longest messages, each with 256 KiB of terms, take half a second on a busy machine. */
const BATCH_MAX_CHARACTERS = 1_000_000;
/** A batch of texts that take long is written once it has been worked on for so long. */
const BATCH_MAX_MS = 1_000;
const WINDOW = 100;
/** What a byte of terms takes in all: in the row, and as entries of the index, which have a key of their own each. An estimate. */
const INDEX_FACTOR = 2;

/** Makes messages searchable. */
@Injectable()
export class IndexMessages {
  private readonly termsMaxBytes: number;

  constructor(
    private readonly outbox: Outbox,
    private readonly postgres: Postgres,
    private readonly messages: ReadMessages,
    private readonly dailyUse: DailyUse,
    config: Config,
  ) {
    this.termsMaxBytes = config.searchTermsKib * 1_024;
  }

  /** Pays what one conversation, or without one all of them, owe to the index. Safe to repeat and to overlap. @throws Unavailable */
  async run(conversationId: string | null, signal: AbortSignal): Promise<void> {
    await this.outbox.payPrepared<Row>(
      { conversationId, kind: 'search', signal, batch: BATCH },
      {
        prepare: async (debts, ending) => this.rowsOf(await this.textsOf(debts), ending),
        write: (sql, paid) => this.writePaid(sql, paid),
      },
    );
  }

  /**
   * Writes the rows of a range of messages anew, at most 100 of them, whatever is owed, and returns how many there are. Safe to repeat and to overlap. What is owed stays owed; a text that is lost is passed over.
   * @throws Unavailable
   */
  async reindex(conversationId: ConversationId, lowest: number, highest: number): Promise<number> {
    const messages = (await this.messages.upTo(conversationId, highest, highest - lowest + 1)).filter(
      ({ seq }) => seq >= lowest,
    );
    let written = 0;
    while (written < messages.length) {
      const rows = await this.rowsOf(messages.slice(written));
      const { live } = await this.postgres.transaction((sql) => this.write(sql, rows));
      if (live.size === 0) return 0;
      written += rows.length;
    }
    return written;
  }

  private async writePaid(sql: Sql, paid: readonly PreparedDebt<Row>[]): Promise<void> {
    const rows = paid.map(({ prepared }) => prepared);
    const { live, written } = await this.write(sql, rows);
    if (rows.some(({ conversationId, words }) => words === null && live.has(conversationId)))
      throw new Error('a text to be indexed is in neither store');
    // (Before the commit: where that fails, a text is counted once more.)
    const bytes = new Map(rows.map((row) => [keyOf(row.conversationId, row.seq), row.bytes]));
    for (const { conversation_id, seq, author } of written)
      if (author !== 0)
        this.dailyUse.countText(accountId(author), INDEX_FACTOR * (bytes.get(keyOf(conversation_id, seq)) ?? 0));
  }

  /** The texts of these debts, or of the first of them: most carry theirs; what does not is read, within 100 messages of one conversation at a time. */
  private async textsOf(debts: readonly Debt[]): Promise<readonly Text[]> {
    const firstBare = debts.findIndex(({ content }) => content === null);
    if (firstBare !== 0) return firstBare < 0 ? debts : debts.slice(0, firstBare);
    const [first] = debts;
    if (!first) return [];

    const { conversationId } = first;
    const others = debts.findIndex(
      (debt) => debt.conversationId !== conversationId || debt.seq < first.seq || debt.seq >= first.seq + WINDOW,
    );
    const bare = others < 0 ? debts : debts.slice(0, others);
    const highest = Math.max(...bare.map(({ seq }) => seq));
    const read = await this.messages.upTo(conversationId, highest, highest - first.seq + 1);
    const contents = new Map(read.map(({ seq, content }) => [seq, content]));
    return bare.map(({ seq }) => ({ conversationId, seq, content: contents.get(seq) ?? null }));
  }

  /** The rows of these messages, or of as many as one batch may write: at least one. Worked out in slices. @throws the reason of `signal` when it is aborted */
  private async rowsOf(texts: readonly Text[], signal?: AbortSignal): Promise<readonly Row[]> {
    const slices = new Slices('index', signal);
    const until = performance.now() + BATCH_MAX_MS;
    const rows: Row[] = [];
    let characters = 0;
    for (const { conversationId, seq, content } of texts) {
      const { words, bytes } =
        content === null
          ? { words: null, bytes: 0 }
          : await tsvectorOf(conversationId, seq, content, slices, this.termsMaxBytes);
      rows.push({ conversationId, seq, words, bytes });
      characters += words?.length ?? 0;
      if (characters > BATCH_MAX_CHARACTERS || performance.now() > until) break;
    }
    slices.end();
    return rows;
  }

  /** Writes the rows of those of their conversations that live, and tells which those are, and what was not there already. */
  private async write(sql: Sql, rows: readonly Row[]): Promise<Written> {
    const conversationIds = [...new Set(rows.map(({ conversationId }) => conversationId))];
    const live = new Set((await sql.query<{ id: string }>(LOCK, [conversationIds])).map(({ id }) => id));
    // In order, so that the messages of a conversation lie together as far as they come together.
    const due = rows
      .filter(({ conversationId, words }) => words !== null && live.has(conversationId))
      .sort((one, other) => compare(one.conversationId, other.conversationId) || one.seq - other.seq);
    if (due.length === 0) return { live, written: [] };
    const written = await sql.query<WrittenRow>(INDEX, [
      due.map(({ conversationId }) => conversationId),
      due.map(({ seq }) => seq),
      due.map(({ words }) => words),
    ]);
    return { live, written };
  }
}

interface WrittenRow {
  readonly conversation_id: string;
  readonly seq: number;
  readonly author: number;
}

interface Written {
  readonly live: ReadonlySet<string>;
  readonly written: readonly WrittenRow[];
}

interface Text {
  readonly conversationId: ConversationId;
  readonly seq: number;
  /** Null where it is in neither store. */
  readonly content: string | null;
}

interface Row {
  readonly conversationId: ConversationId;
  readonly seq: number;
  readonly words: string | null;
  /** What the row takes in the index. */
  readonly bytes: number;
}

const keyOf = (conversationId: string, seq: number): string => `${conversationId}:${seq}`;
const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));
