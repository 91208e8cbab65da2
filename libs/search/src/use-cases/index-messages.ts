import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ReadMessages } from '@edgechat/conversations';
import type { ConversationId } from '@edgechat/kernel';
import { Outbox, type Debt } from '@edgechat/platform/outbox';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
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
         where (t.words, t.author, t.created_at) is distinct from (excluded.words, excluded.author, excluded.created_at)`,
};

const BATCH = 100;
/** A batch must stay far below what a transaction may last: the longest messages, a megabyte of terms each, take 200 ms. */
const BATCH_MAX_CHARACTERS = 4_000_000;
const WINDOW = 100;
const TURN_CHARACTERS = 50_000;

/** Makes messages searchable. */
@Injectable()
export class IndexMessages {
  constructor(
    private readonly outbox: Outbox,
    private readonly postgres: Postgres,
    private readonly messages: ReadMessages,
  ) {}

  /** Pays what one conversation, or without one all of them, owe to the index. Safe to repeat and to overlap. @throws Unavailable */
  async run(conversationId: string | null, signal: AbortSignal): Promise<void> {
    await this.outbox.pay({ conversationId, kind: 'search', signal, batch: BATCH }, (sql, debts) =>
      this.index(sql, debts),
    );
  }

  /**
   * Writes the rows of a range of messages anew, at most 100 places, whatever is owed, and returns how many there are. Safe to repeat and to overlap. What is owed stays owed; a text that is lost is passed over.
   * @throws Unavailable
   */
  async reindex(conversationId: ConversationId, lowest: number, highest: number): Promise<number> {
    const messages = (await this.messages.upTo(conversationId, highest, highest - lowest + 1)).filter(
      ({ seq }) => seq >= lowest,
    );
    let written = 0;
    while (written < messages.length) {
      const rows = await rowsOf(messages.slice(written));
      if ((await this.postgres.transaction((sql) => this.write(sql, [conversationId], rows))).size === 0) return 0;
      written += rows.length;
    }
    return written;
  }

  /** @returns how many of the debts were paid, from the first on, as far as one batch may go */
  private async index(sql: Sql, debts: readonly Debt[]): Promise<number> {
    const [texts, taken] = await this.textsOf(sql, debts);
    const rows = await rowsOf(texts);
    const live = await this.write(
      sql,
      taken.map(({ conversationId }) => conversationId),
      rows,
    );
    const lost = taken.find(
      (debt) =>
        live.has(debt.conversationId) &&
        !texts.some(({ conversationId, seq }) => conversationId === debt.conversationId && seq === debt.seq),
    );
    if (lost) throw new Error('a text to be indexed is in neither store');
    return rows.length < texts.length ? rows.length : taken.length;
  }

  /** The texts of these debts, or of the first of them: most carry theirs; what does not is read, within 100 places of one conversation at a time. */
  private async textsOf(sql: Sql, debts: readonly Debt[]): Promise<[texts: readonly Text[], taken: readonly Debt[]]> {
    const [first] = debts;
    const firstBare = debts.findIndex(({ content }) => content === null);
    if (firstBare !== 0) {
      const taken = firstBare < 0 ? debts : debts.slice(0, firstBare);
      return [
        taken.flatMap(({ conversationId, seq, content }) =>
          content === null ? [] : [{ conversationId, seq, content }],
        ),
        taken,
      ];
    }
    if (!first) return [[], []];
    const { conversationId } = first;
    const others = debts.findIndex(
      (debt) => debt.conversationId !== conversationId || debt.seq < first.seq || debt.seq >= first.seq + WINDOW,
    );
    const taken = others < 0 ? debts : debts.slice(0, others);
    const seqs = new Set(taken.map(({ seq }) => seq));
    const highest = Math.max(...seqs);
    const read = await this.messages.upTo(conversationId, highest, highest - first.seq + 1, sql);
    return [read.filter(({ seq }) => seqs.has(seq)), taken];
  }

  /** Writes the rows of those of these conversations that live, which are returned. */
  private async write(
    sql: Sql,
    conversationIds: readonly string[],
    rows: readonly Row[],
  ): Promise<ReadonlySet<string>> {
    const live = new Set((await sql.query<{ id: string }>(LOCK, [[...new Set(conversationIds)]])).map(({ id }) => id));
    // In order, so that the messages of a conversation lie together as far as they come together.
    const written = rows
      .filter(({ conversationId }) => live.has(conversationId))
      .sort((one, other) => compare(one.conversationId, other.conversationId) || one.seq - other.seq);
    if (written.length > 0)
      await sql.query(INDEX, [
        written.map(({ conversationId }) => conversationId),
        written.map(({ seq }) => seq),
        written.map(({ words }) => words),
      ]);
    return live;
  }
}

interface Text {
  readonly conversationId: ConversationId;
  readonly seq: number;
  readonly content: string;
}

interface Row {
  readonly conversationId: ConversationId;
  readonly seq: number;
  readonly words: string;
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));

/** The rows of these messages, or of as many as one batch may write: at least one. */
async function rowsOf(texts: readonly Text[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let characters = 0;
  let sinceTurn = 0;
  for (const { conversationId, seq, content } of texts) {
    const words = tsvectorOf(conversationId, seq, content);
    characters += words.length;
    if (rows.length > 0 && characters > BATCH_MAX_CHARACTERS) break;
    rows.push({ conversationId, seq, words });
    sinceTurn += words.length;
    if (sinceTurn < TURN_CHARACTERS) continue;
    await setImmediate(); // others take their turn between two long texts
    sinceTurn = 0;
  }
  return rows;
}
