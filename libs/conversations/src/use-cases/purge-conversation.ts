import { Injectable } from '@nestjs/common';
import { Outbox } from '@edgechat/platform/outbox';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { MessageDocuments } from '../persistence/message-documents.js';

const BATCH = 1_000;
const DELETED: Statement = {
  name: 'conversations.is_deleted',
  text: 'select 1 as found from edgechat.conversations where id = $1 and deleted_at is not null',
};
const removal = (table: string): Statement => ({
  name: `conversations.purge_${table}`,
  text: `delete from edgechat.${table} where ctid = any(array(select ctid from edgechat.${table} where conversation_id = $1 limit ${BATCH})) and conversation_id = $1 returning 1 as gone`,
});
const REMOVALS = ['search_index', 'search_words', 'messages', 'replies'].map(removal);
const FORGET: Statement = {
  name: 'conversations.forget',
  text: 'delete from edgechat.conversations where id = $1 and deleted_at is not null',
};

/** Removes what is left of a deleted conversation, in both stores. */
@Injectable()
export class PurgeConversation {
  constructor(
    private readonly outbox: Outbox,
    private readonly postgres: Postgres,
    private readonly documents: MessageDocuments,
  ) {}

  /**
   * Pays the purge that is due: the first soon after the deletion, the second once no write that began before it can still arrive; with it the conversation itself goes.
   * Works in batches of 1,000, each a transaction of its own. Safe to repeat, and to end in the middle.
   * @throws Unavailable
   */
  async run(conversationId: string, signal: AbortSignal): Promise<void> {
    const [deleted] = await this.postgres.query(DELETED, [conversationId]);
    if (deleted) await this.removeAll(conversationId, signal);
    if (signal.aborted) return;
    await this.outbox.pay({ conversationId, kind: 'purge', signal }, async (sql, debts) => {
      if (debts.some(({ seq }) => seq === 1)) await sql.query(FORGET, [conversationId]);
    });
  }

  private async removeAll(conversationId: string, signal: AbortSignal): Promise<void> {
    const removeRows = (statement: Statement) => async (): Promise<number> =>
      (await this.postgres.query(statement, [conversationId])).length;
    for (const removeSome of [...REMOVALS.map(removeRows), () => this.documents.removeSome(conversationId)]) {
      for (let removed = 1; removed > 0 && !signal.aborted;) removed = await removeSome();
    }
  }
}
