import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';

/** How far a member has read. */
export interface ReadMark {
  readonly readSeq: number;
  readonly unreadCount: number;
}

// Writes only what moves. What is not moved here is at least as far: a send that was waited for moved its sender's mark, beyond a `last_seq` that is from the statement's beginning.
const MARK: Statement = {
  name: 'conversations.mark_read',
  text: `with c as (select id, last_seq from edgechat.conversations where id = $1 and deleted_at is null),
              moved as (update edgechat.members m set read_seq = least($3, c.last_seq) from c
                        where m.conversation_id = $1 and m.account_id = $2 and m.read_seq < least($3, c.last_seq))
         select greatest(m.read_seq, least($3, c.last_seq)) as read_seq, c.last_seq
         from c cross join edgechat.members m where m.conversation_id = $1 and m.account_id = $2`,
};

/** Moves a member's read mark. */
@Injectable()
export class MarkRead {
  constructor(private readonly postgres: Postgres) {}

  /**
   * Marks all up to `seq` as read: at most up to the last message, and never back. One round trip. Safe to repeat.
   * @throws Refusal `conversation_not_found`
   * @throws Unavailable `postgres`
   */
  async upTo(conversationId: ConversationId, member: AccountId, seq: number): Promise<ReadMark> {
    const [row] = await this.postgres.query<{ read_seq: number; last_seq: number }>(MARK, [
      conversationId,
      member,
      seq,
    ]);
    if (!row) throw new Refusal('conversation_not_found', 'Conversation not found');
    return { readSeq: row.read_seq, unreadCount: Math.max(0, row.last_seq - row.read_seq) };
  }
}
