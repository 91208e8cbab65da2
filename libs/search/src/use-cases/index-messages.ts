import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ReadMessages, type Message } from '@edgechat/conversations';
import { conversationId as parseConversationId, type ConversationId } from '@edgechat/kernel';
import { Outbox, type Debt } from '@edgechat/platform/outbox';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import { indexTerms } from '../domain/words.js';

// The lock holds off the deletion of the conversation, and no send: no row is written that the purge would not see.
const INDEX: Statement = {
  name: 'search.index',
  text: `with live as (select id from edgechat.conversations where id = $1 and deleted_at is null for key share)
         insert into edgechat.search_index (conversation_id, seq, author, created_at, words)
         select live.id, x.seq, x.author, x.created_at, array_to_tsvector(array(select json_array_elements_text(x.terms)))
         from live, json_to_recordset($2::json) as x(seq bigint, author bigint, created_at timestamptz, terms json)
         on conflict (conversation_id, seq) do update set words = excluded.words, author = excluded.author, created_at = excluded.created_at`,
};

const LIVE: Statement = { name: 'search.is_live', text: 'select 1 as found from edgechat.conversations where id = $1 and deleted_at is null' };

/** Cutting long texts into terms takes up to 40 ms each: a batch must stay far below what a transaction may last. */
const BATCH = 20;
const WINDOW = 100;

/** Makes messages searchable. */
@Injectable()
export class IndexMessages {
  constructor(private readonly outbox: Outbox, private readonly messages: ReadMessages) {}

  /** Pays what a conversation owes to the index. Safe to repeat and to overlap. @throws Unavailable */
  async run(conversationId: string, signal: AbortSignal): Promise<void> {
    await this.outbox.pay({ conversationId, kind: 'index', signal, batch: BATCH }, (sql, debts) => this.index(sql, conversationId, debts));
  }

  private async index(sql: Sql, id: string, debts: readonly Debt[]): Promise<void> {
    const conversationId = parseConversationId(id);
    if (conversationId === null) throw new Error('not a conversation');

    let owed = debts.map(({ seq }) => seq);
    for (let top = owed.at(-1); top !== undefined; top = owed.at(-1)) {
      const bottom = top - WINDOW;
      const window = owed.filter((seq) => seq > bottom);
      owed = owed.filter((seq) => seq <= bottom);
      await this.indexWindow(sql, conversationId, window);
    }
  }

  /** @param seqs ascending, all within 100 places */
  private async indexWindow(sql: Sql, conversationId: ConversationId, seqs: readonly number[]): Promise<void> {
    const [lowest = 0, highest = 0] = [seqs[0], seqs.at(-1)];
    const read = await this.messages.upTo(conversationId, highest, highest - lowest + 1, sql);
    const messages = read.filter(({ seq }) => seqs.includes(seq));
    if (messages.length < seqs.length && (await sql.query(LIVE, [conversationId])).length > 0) throw new Error('a text to be indexed is in neither store');

    const rows: object[] = [];
    for (const message of messages) {
      rows.push(toRow(message));
      await setImmediate(); // others take their turn between two long texts
    }
    await sql.query(INDEX, [conversationId, JSON.stringify(rows)]);
  }
}

function toRow({ seq, authorId, createdAt, content }: Message): object {
  return { seq, author: authorId ?? 0, created_at: createdAt, terms: indexTerms(content) };
}
