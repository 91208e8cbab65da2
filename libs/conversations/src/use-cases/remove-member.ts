import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import { requireGroup, requireRightToRemove } from '../domain/roles.js';
import { lockConversation, type LockedConversation } from '../persistence/lock-conversation.js';
import { listNamed } from '../persistence/member-rows.js';
import { memberNotFound } from './change-role.js';
import { DeleteConversation, END_CONVERSATION } from './delete-conversation.js';

const REMOVE: Statement = {
  name: 'conversations.remove_member',
  text: `with gone as (delete from edgechat.members where conversation_id = $1 and account_id = $2),
              inbox as (delete from edgechat.inbox where account_id = $2 and conversation_id = $1)
         update edgechat.conversations set member_count = member_count - 1, revision = revision + 1 where id = $1`,
};
const SUCCEED: Statement = {
  name: 'conversations.succeed_owner',
  text: `update edgechat.members set role = 'owner' where conversation_id = $1 and account_id = (
           select account_id from edgechat.members where conversation_id = $1 order by role = 'admin' desc, joined_at, account_id limit 1)`,
};

/** Ends a membership: one's own, or another's. */
@Injectable()
export class RemoveMember {
  constructor(
    private readonly postgres: Postgres,
    private readonly deletion: DeleteConversation,
  ) {}

  /**
   * From the moment this returns the person reads, sends and finds nothing of the conversation, on every replica. When the owner leaves, the longest-standing admin, else member, is owner; when the last leaves, the conversation is deleted.
   * @throws Refusal `conversation_not_found`, `direct_stays`, `groups_only`, `member_not_found`, `owner_not_removable`, `not_allowed`
   * @throws Unavailable `postgres`
   */
  async remove(
    id: ConversationId,
    caller: AccountId,
    target: AccountId,
    requestId: string | null = null,
  ): Promise<void> {
    const isLast = await this.postgres.transaction((sql) => this.end(sql, id, caller, target));
    if (isLast) await this.deletion.ring(id, requestId);
  }

  private async end(sql: Sql, id: ConversationId, caller: AccountId, target: AccountId): Promise<boolean> {
    const conversation = await lockConversation(sql, id, caller);
    if (target === caller) requireLeavable(conversation);
    else await this.requireRemovable(sql, id, conversation, target);

    if (conversation.memberCount === 1) {
      await sql.query(END_CONVERSATION, [id]);
      return true;
    }
    await sql.query(REMOVE, [id, target]);
    if (target === caller && conversation.role === 'owner') await sql.query(SUCCEED, [id]);
    return false;
  }

  private async requireRemovable(
    sql: Sql,
    id: ConversationId,
    { kind, role }: LockedConversation,
    target: AccountId,
  ): Promise<void> {
    requireGroup(kind);
    const [member] = await listNamed(sql, id, [target]);
    if (!member) throw memberNotFound();
    requireRightToRemove(role, member.role);
  }
}

function requireLeavable({ kind }: LockedConversation): void {
  if (kind === 'direct')
    throw new Refusal('direct_stays', 'Nobody can leave a direct conversation. Delete it, which ends it for both.');
}
