import { Injectable } from '@nestjs/common';
import type { AccountId, ConversationId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';

const MARK: Statement = { name: 'conversations.mark_read', text: 'update edgechat.members set read_seq = $3 where conversation_id = $1 and account_id = $2 and read_seq < $3' };

/** Moves a member's read mark. */
@Injectable()
export class MarkRead {
  constructor(private readonly postgres: Postgres) {}

  /** Marks all up to a message that the member was shown as read; never moves back. Safe to repeat. @throws Unavailable `postgres` */
  async upTo(conversationId: ConversationId, member: AccountId, seq: number): Promise<void> {
    await this.postgres.query(MARK, [conversationId, member, seq]);
  }
}
