import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { currentRequestId, Log } from '@edgechat/platform/logging';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import { Bell } from '@edgechat/platform/queue';

/** A store call that began before the deletion is over by then, or will never write: 5 s of PostgreSQL, 1 s of MongoDB, and a minute. */
const SECOND_PURGE_AFTER_S = 66;

// Waits for the sends and the deliveries under way; one that waits for it finds no conversation afterwards.
const LOCK: Statement = {
  name: 'conversations.lock_for_owner',
  text: `select m.role from edgechat.conversations c join edgechat.members m on m.conversation_id = c.id and m.account_id = $2
         where c.id = $1 and c.deleted_at is null for update of c`,
};
/** Ends a living conversation, `$1`; to be run once for each. */
export const END_CONVERSATION: Statement = {
  name: 'conversations.end',
  text: `with gone as (update edgechat.conversations set deleted_at = clock_timestamp(), revision = revision + 1, member_count = 0 where id = $1),
              members as (delete from edgechat.members where conversation_id = $1 returning account_id),
              inbox as (delete from edgechat.inbox i using members m where i.account_id = m.account_id and i.conversation_id = $1),
              replies as (update edgechat.replies set status = 'failed', failure_code = 'ai_failed', lease_until = null, epoch = epoch + 1 where conversation_id = $1 and status in ('queued', 'running')),
              -- A debt that a worker holds just now is settled by it, and finds no conversation if it looks for one; what is stored late goes with the second purge. Waiting for it here would be a deadlock.
              free as (select seq, kind from edgechat.outbox where conversation_id = $1 and kind <> 'purge' for update skip locked),
              paid as (delete from edgechat.outbox o using free where o.conversation_id = $1 and o.kind = free.kind and o.seq = free.seq)
         insert into edgechat.outbox (conversation_id, seq, kind, next_at)
         values ($1, 0, 'purge', clock_timestamp()), ($1, 1, 'purge', clock_timestamp() + make_interval(secs => ${SECOND_PURGE_AFTER_S}))`,
};

/** Ends a conversation for everybody. */
@Injectable()
export class DeleteConversation {
  constructor(private readonly postgres: Postgres, private readonly bell: Bell, private readonly log: Log) {}

  /**
   * From the moment this returns nobody finds the conversation; what is left of it is purged in the background. What it used stays metered.
   * @throws Refusal `conversation_not_found`
   * @throws Unavailable `postgres`
   */
  async delete(id: ConversationId, caller: AccountId): Promise<void> {
    await this.postgres.transaction((sql) => this.end(sql, id, caller));
    await this.bell.ring([{ event: 'conversation.deleted', payload: { conversationId: id }, requestId: currentRequestId() }]).catch((error: unknown) => this.log.warn('the bell could not be rung; the relay will', { error }));
  }

  private async end(sql: Sql, id: ConversationId, caller: AccountId): Promise<void> {
    const [member] = await sql.query<{ role: string }>(LOCK, [id, caller]);
    if (!member) throw new Refusal('conversation_not_found', 'Conversation not found');
    await sql.query(END_CONVERSATION, [id]);
  }
}
