import { Injectable } from '@nestjs/common';
import { Outbox, type Debt } from '@edgechat/platform/outbox';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import { MessageDocuments } from '../persistence/message-documents.js';

const LEDGER_ROWS: Statement = {
  name: 'conversations.ledger_rows',
  text: 'select seq, message_id, author, created_at from edgechat.messages where conversation_id = $1 and seq = any($2::bigint[])',
};

/** Takes texts out of the outbox once MongoDB has them, and brings it those that the sender could not. */
@Injectable()
export class StoreMessages {
  constructor(private readonly outbox: Outbox, private readonly documents: MessageDocuments) {}

  /** Pays what a conversation owes to MongoDB. Safe to repeat and to overlap. @throws Unavailable */
  async run(conversationId: string, signal: AbortSignal): Promise<void> {
    await this.outbox.pay(conversationId, 'store', signal, (sql, debts) => this.store(sql, conversationId, debts));
  }

  private async store(sql: Sql, conversationId: string, debts: readonly Debt[]): Promise<void> {
    const seqs = debts.map(({ seq }) => seq);
    const rows = await sql.query<{ seq: number; message_id: string; author: number; created_at: Date }>(LEDGER_ROWS, [conversationId, seqs]);
    const contents = new Map(debts.map(({ seq, content }) => [seq, content]));
    // Most were stored by the process that sent them; reading is cheaper than writing again.
    const stored = await this.documents.listRange(conversationId, Math.min(...seqs), Math.max(...seqs));
    const has = new Set(stored.map((document) => document.message_id));
    const missing = rows.filter((row) => !has.has(row.message_id)).map((row) => ({ ...placed(conversationId, row), content: contents.get(row.seq) ?? '' }));
    if (missing.length > 0) await this.documents.put(missing);
  }
}

function placed(conversationId: string, row: { seq: number; message_id: string; author: number; created_at: Date }): { conversation_id: string; seq: number; message_id: string; author: number; created_at: Date } {
  return { conversation_id: conversationId, seq: row.seq, message_id: row.message_id, author: row.author, created_at: row.created_at };
}
