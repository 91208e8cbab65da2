import { accountId, conversationId, type AccountId, type ConversationId } from '@edgechat/kernel';
import { badCursor, instantOfCursor, readCursor, writeCursor, type ListKey } from '../http/cursor.js';

interface InboxPlace {
  readonly orderedAt: Date;
  readonly id: ConversationId;
}

interface MemberPlace {
  readonly joinedAt: Date;
  readonly accountId: AccountId;
}

const inbox = (account: AccountId): ListKey => ['conversations', account];
const membersOf = (conversation: ConversationId, reader: AccountId): ListKey => ['members', reader, conversation];

/** The place of an account's inbox behind which the next page begins. */
export function writeInboxCursor(account: AccountId, { orderedAt, id }: InboxPlace): string {
  return writeCursor(inbox(account), [orderedAt.getTime(), id]);
}

/** @throws Refusal `validation_failed` (`bad_cursor`) for what is no cursor of this account's inbox */
export function readInboxCursor(account: AccountId, cursor: string): InboxPlace {
  const [at, given] = readCursor(inbox(account), cursor);
  const id = conversationId(given);
  if (id === null) throw badCursor();
  return { orderedAt: instantOfCursor(at), id };
}

/** The place in a conversation's members, as one of them reads them, behind which the next page begins. */
export function writeMembersCursor(conversation: ConversationId, reader: AccountId, place: MemberPlace): string {
  return writeCursor(membersOf(conversation, reader), [place.joinedAt.getTime(), place.accountId]);
}

/** @throws Refusal `validation_failed` (`bad_cursor`) for what is no cursor of this list */
export function readMembersCursor(conversation: ConversationId, reader: AccountId, cursor: string): MemberPlace {
  const [at, id] = readCursor(membersOf(conversation, reader), cursor);
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) throw badCursor();
  return { joinedAt: instantOfCursor(at), accountId: accountId(id) };
}
