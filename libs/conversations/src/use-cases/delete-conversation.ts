import { Injectable } from '@nestjs/common';
import type { AccountId, ConversationId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import { Bell } from '@edgechat/platform/queue';
import { requireRight } from '../domain/roles.js';
import { lockConversation } from '../persistence/lock-conversation.js';

/** A store call that began before the deletion is over by then, or will never write: 5 s of PostgreSQL, 1 s of MongoDB, and a minute. */
const SECOND_PURGE_AFTER_S = 66;

/** Ends a living conversation, `$1`; to be run once for each. */
export const END_CONVERSATION: Statement = {
  name: 'conversations.end',
  text: `with gone as (update edgechat.conversations set deleted_at = clock_timestamp(), revision = revision + 1, member_count = 0 where id = $1),
              members as (delete from edgechat.members where conversation_id = $1 returning account_id),
              -- (By values, not by joins: so both go by their keys, whatever the tables' sizes were when this was planned.)
              pair as (delete from edgechat.direct_pairs where conversation_id = $1
                       and low_account = (select min(account_id) from edgechat.members where conversation_id = $1) and high_account = (select max(account_id) from edgechat.members where conversation_id = $1)),
              inbox as (delete from edgechat.inbox where account_id = any(array(select account_id from members)) and conversation_id = $1),
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
  constructor(
    private readonly postgres: Postgres,
    private readonly bell: Bell,
    private readonly log: Log,
  ) {}

  /**
   * From the moment this returns nobody finds the conversation; what is left of it is purged in the background. What it used stays metered.
   * @throws Refusal `conversation_not_found`, `not_allowed`
   * @throws Unavailable `postgres`
   */
  async delete(id: ConversationId, caller: AccountId, requestId: string | null = null): Promise<void> {
    await this.postgres.transaction((sql) => this.end(sql, id, caller));
    await this.ring(id, requestId);
  }

  /** Lets the purge of an ended conversation begin at once. Never fails: what cannot be rung is found by the relay. */
  async ring(id: ConversationId, requestId: string | null): Promise<void> {
    await this.bell
      .ring([{ event: 'conversation.deleted', payload: { conversationId: id }, requestId }])
      .catch((error: unknown) => this.log.warn('the bell could not be rung; the relay will', { requestId, error }));
  }

  private async end(sql: Sql, id: ConversationId, caller: AccountId): Promise<void> {
    const { kind, role } = await lockConversation(sql, id, caller);
    requireRight('delete', kind, role);
    await sql.query(END_CONVERSATION, [id]);
  }
}
