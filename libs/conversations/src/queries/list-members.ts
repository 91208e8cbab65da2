import { Injectable } from '@nestjs/common';
import { pageOf, Refusal, type AccountId, type ConversationId, type Page } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { Member } from '../domain/conversation.js';
import { MEMBER_COLUMNS, toMember, type MemberRow } from '../persistence/member-rows.js';

/** The place in a list of members behind which a page begins. */
export interface MemberPlace {
  readonly joinedAt: Date;
  readonly accountId: AccountId;
}

// Who is not a member gets no row; a member behind the last gets one row without a member.
const PAGE: Statement = {
  name: 'conversations.list_members',
  text: `select p.* from edgechat.members me
         left join lateral (select ${MEMBER_COLUMNS} from edgechat.members m
           where m.conversation_id = me.conversation_id and (m.joined_at, m.account_id) > (coalesce($4::timestamptz, '-infinity'), coalesce($5::bigint, 0)) order by m.joined_at, m.account_id limit $3::int + 1) p on true
         where me.conversation_id = $1 and me.account_id = $2
         order by p.joined_at, p.account_id`,
};

/** Reads who is in a conversation. */
@Injectable()
export class ListMembers {
  constructor(private readonly postgres: Postgres) {}

  /** A page of the members, oldest first, at most `limit` (1–100); one round trip. @throws Refusal `conversation_not_found` @throws Unavailable `postgres` */
  async page(
    id: ConversationId,
    reader: AccountId,
    limit: number,
    after: MemberPlace | null,
  ): Promise<Page<Member> & { readonly next: MemberPlace | null }> {
    const rows = await this.postgres.query<MemberRow | { readonly account_id: null }>(PAGE, [
      id,
      reader,
      limit,
      after?.joinedAt ?? null,
      after?.accountId ?? null,
    ]);
    if (rows.length === 0) throw new Refusal('conversation_not_found', 'Conversation not found');
    const { items, hasMore } = pageOf(
      rows.filter((row): row is MemberRow => row.account_id !== null).map(toMember),
      limit,
    );
    const last = items.at(-1);
    return { items, hasMore, next: hasMore && last ? { joinedAt: last.joinedAt, accountId: last.accountId } : null };
  }
}
