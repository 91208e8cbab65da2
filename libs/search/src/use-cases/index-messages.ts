import { Injectable } from '@nestjs/common';
import { ReadMessages, type Message } from '@edgechat/conversations';
import { conversationId as parseConversationId } from '@edgechat/kernel';
import { Outbox, type Debt } from '@edgechat/platform/outbox';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import { indexTerms } from '../domain/words.js';

// The shared lock holds off the deletion of the conversation: no row is written that the purge would not see.
const INDEX: Statement = {
  name: 'search.index',
  text: `with live as (select id from edgechat.conversations where id = $1 and deleted_at is null for share)
         insert into edgechat.search_index (conversation_id, seq, author, created_at, words)
         select live.id, x.seq, x.author, x.created_at, array_to_tsvector(array(select json_array_elements_text(x.terms)))
         from live, json_to_recordset($2::json) as x(seq bigint, author bigint, created_at timestamptz, terms json)
         on conflict (conversation_id, seq) do update set words = excluded.words, author = excluded.author, created_at = excluded.created_at`,
};

/** Makes messages searchable. */
@Injectable()
export class IndexMessages {
  constructor(private readonly outbox: Outbox, private readonly messages: ReadMessages) {}

  /** Pays what a conversation owes to the index. Safe to repeat and to overlap. @throws Unavailable */
  async run(conversationId: string, signal: AbortSignal): Promise<void> {
    await this.outbox.pay(conversationId, 'index', signal, (sql, debts) => this.index(sql, conversationId, debts));
  }

  private async index(sql: Sql, id: string, debts: readonly Debt[]): Promise<void> {
    const conversationId = parseConversationId(id);
    const highest = debts.at(-1)?.seq;
    if (conversationId === null || highest === undefined) return;

    const lowest = debts[0]?.seq ?? highest;
    const owed = new Set(debts.map(({ seq }) => seq));
    for (let top = highest; top >= lowest; top -= 100) {
      const messages = (await this.messages.upTo(conversationId, top, 100)).filter(({ seq }) => owed.has(seq));
      if (messages.length > 0) await sql.query(INDEX, [conversationId, JSON.stringify(messages.map(toRow))]);
    }
  }
}

function toRow({ seq, authorId, createdAt, content }: Message): object {
  return { seq, author: authorId ?? 0, created_at: createdAt, terms: indexTerms(content) };
}
