import { Injectable } from '@nestjs/common';
import type { AccountId, ConversationId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { AssistantMode } from '../domain/conversation.js';
import { requireRight } from '../domain/roles.js';
import { lockConversation } from '../persistence/lock-conversation.js';

/** What is left out stays as it is; a null title takes it away. */
export interface ConversationChange {
  readonly title?: string | null;
  readonly assistant?: AssistantMode;
}

const CHANGE: Statement = {
  name: 'conversations.change',
  text: `update edgechat.conversations set title = case when $2 then $3 else title end, assistant = coalesce($4, assistant), revision = revision + 1
         where id = $1 and ($2 and title is distinct from $3 or assistant <> coalesce($4, assistant))`,
};

/** Changes a conversation's title, and when the assistant answers. */
@Injectable()
export class ChangeConversation {
  constructor(private readonly postgres: Postgres) {}

  /** Holds for every message sent after it has returned. Safe to repeat. @throws Refusal `conversation_not_found`, `not_allowed` @throws Unavailable `postgres` */
  async change(id: ConversationId, caller: AccountId, { title, assistant }: ConversationChange): Promise<void> {
    await this.postgres.transaction(async (sql) => {
      const { kind, role } = await lockConversation(sql, id, caller);
      requireRight('change', kind, role);
      await sql.query(CHANGE, [id, title !== undefined, title ?? null, assistant ?? null]);
    });
  }
}
