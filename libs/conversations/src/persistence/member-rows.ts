import { accountId, type AccountId, type ConversationId } from '@edgechat/kernel';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import type { Member, MemberRole } from '../domain/conversation.js';
import { unknownAccount } from '../domain/people-limits.js';

export interface MemberRow {
  readonly account_id: number;
  readonly display_name: string;
  readonly role: MemberRole;
  readonly joined_at: Date;
}

/** What `MemberRow` is read from, `edgechat.members m`. */
export const MEMBER_COLUMNS = `m.account_id, (select coalesce(a.display_name, 'User ' || a.id) from edgechat.accounts a where a.id = m.account_id) as display_name, m.role, m.joined_at`;

const COUNT_ACCOUNTS: Statement = {
  name: 'conversations.count_accounts',
  text: 'select count(*)::int as known from edgechat.accounts where id = any($1::bigint[])',
};
const NAMED: Statement = {
  name: 'conversations.named_members',
  text: `select ${MEMBER_COLUMNS} from edgechat.members m where m.conversation_id = $1 and m.account_id = any($2::bigint[]) order by m.joined_at, m.account_id`,
};

/**
 * Sees that these accounts exist.
 * @param field the list that they came in, as a JSON pointer
 * @throws Refusal `unknown_account`, of the list as a whole: a list of guesses is not told apart into hits and misses
 */
export async function requireAccounts(sql: Sql, ids: readonly AccountId[], field: string): Promise<void> {
  const each = [...new Set(ids)];
  if (each.length === 0) return;
  const [counted] = await sql.query<{ known: number }>(COUNT_ACCOUNTS, [each]);
  if (counted?.known !== each.length) throw unknownAccount(field);
}

/** Those of these accounts that are members, oldest first. */
export async function listNamed(sql: Sql, id: ConversationId, accounts: readonly AccountId[]): Promise<Member[]> {
  return (await sql.query<MemberRow>(NAMED, [id, accounts])).map(toMember);
}

/** A member from its row. */
export function toMember(row: MemberRow): Member {
  return {
    accountId: accountId(row.account_id),
    displayName: row.display_name,
    role: row.role,
    joinedAt: row.joined_at,
  };
}
