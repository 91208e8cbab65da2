import { unknownAccount } from '@edgechat/conversations';
import { accountId, conversationId, Refusal, type AccountId, type ConversationId } from '@edgechat/kernel';

/** A whole number of 1 or more, as a path has it; null for any other text, and for one that nothing can have. */
function ordinal(given: string): number | null {
  const value = /^[1-9][0-9]{0,15}$/.test(given) ? Number(given) : NaN;
  return Number.isSafeInteger(value) ? value : null;
}

/** A conversation's id from the path. @throws Refusal `conversation_not_found` when it cannot be one */
export function idFromPath(given: string): ConversationId {
  const id = conversationId(given);
  if (id === null) throw new Refusal('conversation_not_found', 'Conversation not found');
  return id;
}

/** A member's account from the path; `me` is the caller. @throws Refusal `member_not_found` when it cannot be one */
export function memberFromPath(given: string, caller: AccountId): AccountId {
  if (given === 'me') return caller;
  const id = ordinal(given);
  if (id === null) throw new Refusal('member_not_found', 'No such account is a member of this conversation.');
  return accountId(id);
}

/** A message's seq from the path. @throws Refusal `message_not_found` when it cannot be one */
export function seqFromPath(given: string): number {
  const seq = ordinal(given);
  if (seq === null) throw new Refusal('message_not_found', 'This conversation has no such message.');
  return seq;
}

/** The accounts that a validated list of a body names. @throws Refusal `unknown_account` where one is beyond what an id can be, like for any other that is no account's */
export function accountIds(field: string, given: readonly number[]): readonly AccountId[] {
  if (given.every((id) => Number.isSafeInteger(id))) return given.map(accountId);
  throw unknownAccount(`/${field}`);
}
