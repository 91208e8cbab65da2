import { accountId, Refusal, type AccountId, type ConversationId, type FieldError } from '@edgechat/kernel';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import type { Member, MemberRole } from '../domain/conversation.js';

/** An account is in at most so many large conversations: each of them is looked at for each page of its inbox. */
export const LARGE_MAX = 500;

export interface MemberRow {
  readonly account_id: number;
  readonly display_name: string;
  readonly role: MemberRole;
  readonly joined_at: Date;
}

/** What `MemberRow` is read from, `edgechat.members m`. */
export const MEMBER_COLUMNS = `m.account_id, (select coalesce(a.display_name, 'User ' || a.id) from edgechat.accounts a where a.id = m.account_id) as display_name, m.role, m.joined_at`;

const KNOWN: Statement = {
  name: 'conversations.known_accounts',
  text: 'select id from edgechat.accounts where id = any($1::bigint[])',
};
const NAMED: Statement = {
  name: 'conversations.named_members',
  text: `select ${MEMBER_COLUMNS} from edgechat.members m where m.conversation_id = $1 and m.account_id = any($2::bigint[]) order by m.joined_at, m.account_id`,
};

/**
 * Sees that these accounts exist.
 * @param field the list that they came in, as a JSON pointer
 * @throws Refusal `unknown_account`, which names the first 20 that do not
 */
export async function requireAccounts(sql: Sql, ids: readonly AccountId[], field: string): Promise<void> {
  if (ids.length === 0) return;
  const known = new Set((await sql.query<{ id: number }>(KNOWN, [ids])).map(({ id }) => id));
  const errors = ids.flatMap((id, i): FieldError[] =>
    known.has(id) ? [] : [{ field: `${field}/${i}`, code: 'unknown_account', detail: `There is no account ${id}.` }],
  );
  const [first] = errors;
  if (first)
    throw new Refusal(
      'unknown_account',
      `${first.detail} Nothing was changed: leave it out, or look people up by their e-mail address.`,
      { errors: errors.slice(0, 20) },
    );
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
