import { conversationId, type AccountId, type ConversationId } from '@edgechat/kernel';
import { invalid } from '../http/validation.js';

interface Place {
  readonly orderedAt: Date;
  readonly id: ConversationId;
}

/** The place of the inbox behind which the next page begins, as an opaque text that is good for this account's inbox only. */
export function writeCursor(account: AccountId, { orderedAt, id }: Place): string {
  return Buffer.from(JSON.stringify(['conversations', account, orderedAt.getTime(), id])).toString('base64url');
}

/** @throws Refusal `validation_failed` for what is no cursor of this account's inbox */
export function readCursor(account: AccountId, cursor: string): Place {
  const [list, owner, at, id]: unknown[] = parts(cursor);
  const known = conversationId(id);
  if (list !== 'conversations' || owner !== account || typeof at !== 'number' || !Number.isSafeInteger(at) || at < 0 || at > 8.64e15 || known === null) throw invalid('cursor', 'bad_cursor', 'must be a next_cursor of this list');
  return { orderedAt: new Date(at), id: known };
}

function parts(cursor: string): unknown[] {
  const bytes = Buffer.from(cursor, 'base64url');
  // Decoding passes over what is no base64url: only the one spelling that writeCursor gives is a cursor.
  if (bytes.toString('base64url') !== cursor) return [];
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
