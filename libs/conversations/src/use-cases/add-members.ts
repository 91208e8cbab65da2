import { Injectable } from '@nestjs/common';
import { limitOrNull, Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';
import { GROUP_MAX, type Member } from '../domain/conversation.js';
import { LARGE_MAX, LARGE_OF_STRANGERS_MAX, tooManyLarge, tooManyStrangers } from '../domain/people-limits.js';
import { requireGroup, requireRight } from '../domain/roles.js';
import { lockConversation, type LockedConversation } from '../persistence/lock-conversation.js';
import { listNamed, requireAccounts } from '../persistence/member-rows.js';

const WHO_IS_NEW: Statement = {
  name: 'conversations.who_is_new',
  text: `select a as id from unnest($2::bigint[]) a where not exists (select from edgechat.members m where m.conversation_id = $1 and m.account_id = a) group by a order by a`,
};
const WHO_IS_THERE: Statement = {
  name: 'conversations.who_is_there',
  text: 'select account_id as id from edgechat.members where conversation_id = $1',
};
const TOO_MANY_LARGE: Statement = {
  name: 'conversations.too_many_large',
  text: `select edgechat.too_many_large($1::bigint[], $2, $3, ${LARGE_MAX}, ${LARGE_OF_STRANGERS_MAX}) as is_so`,
};
const MEET_STRANGERS: Statement = {
  name: 'conversations.meet_strangers',
  text: 'select edgechat.meet_strangers($1, $2::bigint[], $3) as retry_after_s',
};
/** From now on for good: it is ordered when inboxes are read. Who is in it now is told so by their own rows. */
const BECOME_LARGE: Statement = {
  name: 'conversations.become_large',
  text: `with large as (update edgechat.conversations set is_large = true where id = $1)
         insert into edgechat.inbox (account_id, conversation_id, ordered_at)
         select m.account_id, m.conversation_id, '-infinity' from edgechat.members m where m.conversation_id = $1 order by m.account_id
         on conflict (account_id, conversation_id) do update set ordered_at = excluded.ordered_at`,
};
/** Their inboxes have it where they came, or where the last message is, if the clock says that it is later. */
export const JOIN: Statement = {
  name: 'conversations.join',
  text: `with joined as (
           insert into edgechat.members (conversation_id, account_id, role, joined_at, read_seq, added_by)
           select c.id, a, 'member', date_trunc('milliseconds', clock_timestamp()), c.last_seq, $4 from edgechat.conversations c, unnest($2::bigint[]) a where c.id = $1
           returning account_id, joined_at
         ), placed as (
           insert into edgechat.inbox as i (account_id, conversation_id, ordered_at)
           select j.account_id, c.id, case when $3 then '-infinity' else greatest(c.updated_at, j.joined_at) end from edgechat.conversations c, joined j where c.id = $1 order by j.account_id
           on conflict (account_id, conversation_id) do update set ordered_at = excluded.ordered_at
         )
         update edgechat.conversations set member_count = member_count + cardinality($2::bigint[]), revision = revision + 1 where id = $1`,
};

/** Takes people into a group. */
@Injectable()
export class AddMembers {
  constructor(
    private readonly postgres: Postgres,
    private readonly config: Config,
  ) {}

  /**
   * Makes accounts members, whose next look at their inbox shows the group at its top; who is one stays what they are. All or none. Safe to repeat. Gives those named, oldest first.
   * @param accounts 1–1,000
   * @throws Refusal `conversation_not_found`, `groups_only`, `not_allowed`, `unknown_account`, `group_full`, `too_many_large_groups`, `too_many_strangers`
   * @throws Unavailable `postgres`
   */
  async add(id: ConversationId, caller: AccountId, accounts: readonly AccountId[]): Promise<readonly Member[]> {
    return this.postgres.transaction(async (sql) => {
      const conversation = await lockConversation(sql, id, caller);
      requireGroup(conversation.kind);
      requireRight('add_members', conversation.kind, conversation.role);
      await requireAccounts(sql, accounts, '/account_ids');
      const fresh = (await sql.query<{ id: AccountId }>(WHO_IS_NEW, [id, accounts])).map((row) => row.id);
      if (fresh.length > 0) await this.join(sql, { id, caller, ...conversation }, fresh);
      return listNamed(sql, id, accounts);
    });
  }

  private async join(
    sql: Sql,
    {
      id,
      caller,
      memberCount,
      isLarge,
    }: LockedConversation & { readonly id: ConversationId; readonly caller: AccountId },
    fresh: readonly AccountId[],
  ): Promise<void> {
    const total = memberCount + fresh.length;
    if (total > GROUP_MAX)
      throw new Refusal(
        'group_full',
        `A group has at most ${GROUP_MAX} members, and this one has ${memberCount}: ${fresh.length} more are too many.`,
      );

    const becomesLarge = !isLarge && total > this.config.fanOutWriteLimit;
    if (isLarge || becomesLarge) {
      const there = becomesLarge ? (await sql.query<{ id: AccountId }>(WHO_IS_THERE, [id])).map((row) => row.id) : [];
      const [tooMany] = await sql.query<{ is_so: boolean }>(TOO_MANY_LARGE, [[...there, ...fresh], id, caller]);
      if (tooMany?.is_so) throw tooManyLarge();
    }
    await this.meetStrangers(sql, caller, fresh);
    if (becomesLarge) await sql.query(BECOME_LARGE, [id]);
    await sql.query(JOIN, [id, fresh, isLarge || becomesLarge, caller]);
  }

  private async meetStrangers(sql: Sql, caller: AccountId, fresh: readonly AccountId[]): Promise<void> {
    const perDay = limitOrNull(this.config.strangersPerDay);
    if (perDay === null) return;
    const [met] = await sql.query<{ retry_after_s: number | null }>(MEET_STRANGERS, [caller, fresh, perDay]);
    if (met?.retry_after_s) throw tooManyStrangers(met.retry_after_s);
  }
}
