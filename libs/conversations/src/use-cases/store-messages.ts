import { Injectable } from '@nestjs/common';
import { Outbox, type Debt } from '@edgechat/platform/outbox';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import { MessageDocuments, type MessageDocument } from '../persistence/message-documents.js';

type LedgerRow = Pick<MessageDocument, 'seq' | 'message_id' | 'author' | 'created_at'>;

const LEDGER_ROWS: Statement = {
  name: 'conversations.ledger_rows',
  text: 'select seq, message_id, author, created_at from edgechat.messages where conversation_id = $1 and seq = any($2::bigint[])',
};

/** Takes texts out of the outbox once MongoDB has them, and brings it those that the sender could not. */
@Injectable()
export class StoreMessages {
  constructor(
    private readonly outbox: Outbox,
    private readonly documents: MessageDocuments,
  ) {}

  /** Pays what a conversation owes to MongoDB. Safe to repeat and to overlap. @throws Unavailable */
  async run(conversationId: string, signal: AbortSignal): Promise<void> {
    await this.outbox.pay({ conversationId, kind: 'store', signal }, (sql, debts) =>
      this.store(sql, conversationId, debts),
    );
  }

  private async store(sql: Sql, conversationId: string, debts: readonly Debt[]): Promise<void> {
    const seqs = debts.map(({ seq }) => seq);
    const rows = await sql.query<LedgerRow>(LEDGER_ROWS, [conversationId, seqs]);
    const contents = new Map(debts.map(({ seq, content }) => [seq, content]));
    // Most were stored by the process that sent them; reading is cheaper than writing again. Only what a majority has may leave the outbox.
    const kept = await this.documents.listKept(conversationId, seqs);
    const missing = rows
      .filter((row) => !kept.has(row.message_id))
      .map((row) => toDocument(conversationId, row, contents.get(row.seq)));
    if (missing.length > 0) await this.documents.put(missing);
  }
}

function toDocument(
  conversationId: string,
  { seq, message_id, author, created_at }: LedgerRow,
  content: string | null | undefined,
): MessageDocument {
  if (typeof content !== 'string') throw new Error(`message ${seq} is owed to MongoDB without its text`);
  return { conversation_id: conversationId, seq, message_id, author, content, created_at };
}
