import { Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';
import type { Sql, Statement } from '@edgechat/platform/postgres';
import type { ConversationKind, MemberRole } from '../domain/conversation.js';

/** A conversation that nothing else changes until the transaction is over, and its caller's role in it. */
export interface LockedConversation {
  readonly kind: ConversationKind;
  readonly lastSeq: number;
  readonly updatedAt: Date;
  readonly memberCount: number;
  readonly isLarge: boolean;
  readonly role: MemberRole;
}

interface LockedRow {
  readonly kind: ConversationKind;
  readonly last_seq: number;
  readonly updated_at: Date;
  readonly member_count: number;
  readonly is_large: boolean;
  readonly role: MemberRole;
}

// Waits for the sends and the deliveries under way; those that wait for it see what it did. Only for a member: nobody else gets the lock, or waits for it, and so no outsider holds the members up.
const LOCK: Statement = {
  name: 'conversations.lock',
  text: `select 1 as locked from edgechat.conversations c where c.id = $1 and c.deleted_at is null
           and (select true from edgechat.members m where m.conversation_id = $1 and m.account_id = $2) for update of c`,
};
// A statement of its own: one that had to wait for the lock would show the members from before it. So who was removed meanwhile is no member any more.
const LOOK: Statement = {
  name: 'conversations.look_locked',
  text: `select c.kind, c.last_seq, c.updated_at, c.member_count, c.is_large, m.role
         from edgechat.conversations c join edgechat.members m on m.conversation_id = c.id and m.account_id = $2 where c.id = $1 and c.deleted_at is null`,
};

/** Locks a conversation for a change of itself or its members, if the caller is one of them, and then looks at it. @throws Refusal `conversation_not_found` when it is not there, or the caller is no member */
export async function lockConversation(sql: Sql, id: ConversationId, caller: AccountId): Promise<LockedConversation> {
  const [locked] = await sql.query(LOCK, [id, caller]);
  const [row] = locked ? await sql.query<LockedRow>(LOOK, [id, caller]) : [];
  if (!row) throw new Refusal('conversation_not_found', 'Conversation not found');
  return {
    kind: row.kind,
    lastSeq: row.last_seq,
    updatedAt: row.updated_at,
    memberCount: row.member_count,
    isLarge: row.is_large,
    role: row.role,
  };
}
