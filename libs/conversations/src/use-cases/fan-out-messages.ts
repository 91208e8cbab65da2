import { Injectable } from '@nestjs/common';
import { Outbox } from '@edgechat/platform/outbox';
import type { Statement } from '@edgechat/platform/postgres';

// Only the instant that orders inboxes is written, and only forward: runs may overlap and repeat. The lock keeps the conversation from being deleted in between (`for update` there), and holds up no send (`for no key update`).
const ORDER_INBOXES: Statement = {
  name: 'conversations.order_inboxes',
  text: `with live as (select id, updated_at from edgechat.conversations where id = $1 and deleted_at is null for key share)
         insert into edgechat.inbox as i (account_id, conversation_id, ordered_at)
         select m.account_id, live.id, (select max(l.created_at) from edgechat.messages l where l.conversation_id = live.id and l.seq = any($2::bigint[]))
         from live join edgechat.members m on m.conversation_id = live.id order by m.account_id
         on conflict (account_id, conversation_id) do update set ordered_at = excluded.ordered_at where i.ordered_at < excluded.ordered_at`,
};

/** Brings the inboxes of a conversation's members up to date with its messages. */
@Injectable()
export class FanOutMessages {
  constructor(private readonly outbox: Outbox) {}

  /** Pays what a conversation owes to its members' inboxes. Safe to repeat and to overlap. @throws Unavailable */
  async run(conversationId: string, signal: AbortSignal): Promise<void> {
    await this.outbox.pay({ conversationId, kind: 'fan_out', signal }, async (sql, debts) => {
      await sql.query(ORDER_INBOXES, [conversationId, debts.map(({ seq }) => seq)]);
    });
  }
}
