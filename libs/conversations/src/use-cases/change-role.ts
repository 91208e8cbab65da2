import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { Member, MemberRole } from '../domain/conversation.js';
import { requireGroup, requireRight } from '../domain/roles.js';
import { lockConversation } from '../persistence/lock-conversation.js';
import { listNamed } from '../persistence/member-rows.js';

/** Gives a role; giving `owner` makes the giver `admin` in the same statement, so that there is one owner at every moment. */
const GIVE: Statement = {
  name: 'conversations.give_role',
  text: `with given as (
           update edgechat.members set role = case when account_id = $2 then $4 else 'admin' end
           where conversation_id = $1 and (account_id = $2 or (account_id = $3 and $4 = 'owner'))
         )
         update edgechat.conversations set revision = revision + 1 where id = $1`,
};

/** Gives members of a group their roles. */
@Injectable()
export class ChangeRole {
  constructor(private readonly postgres: Postgres) {}

  /**
   * Gives a member a role. Ownership is given to another, never laid down. Safe to repeat.
   * @throws Refusal `conversation_not_found`, `groups_only`, `not_allowed`, `member_not_found`, `owner_must_stay`
   * @throws Unavailable `postgres`
   */
  async change(id: ConversationId, caller: AccountId, target: AccountId, role: MemberRole): Promise<Member> {
    return this.postgres.transaction(async (sql) => {
      const conversation = await lockConversation(sql, id, caller);
      requireGroup(conversation.kind);
      requireRight('give_roles', conversation.kind, conversation.role);
      const [member] = await listNamed(sql, id, [target]);
      if (!member) throw memberNotFound();
      if (target === caller && role !== 'owner')
        throw new Refusal(
          'owner_must_stay',
          'A group always has an owner. Give ownership to another member, which makes you an admin.',
        );
      if (member.role !== role) await sql.query(GIVE, [id, target, caller, role]);
      return { ...member, role };
    });
  }
}

/** Nobody with this id is a member. */
export const memberNotFound = (): Refusal =>
  new Refusal('member_not_found', 'This account is no member of the conversation.');
