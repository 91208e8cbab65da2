import { randomFillSync } from 'node:crypto';

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

export type AccountId = Branded<number, 'AccountId'>;
export type ConversationId = Branded<string, 'ConversationId'>;
export type MessageId = Branded<string, 'MessageId'>;
export type ReplyId = Branded<string, 'ReplyId'>;
export type SessionId = Branded<string, 'SessionId'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An account's id from a whole number of 1 or more. @throws RangeError otherwise: a bug or a foreign row, never a client's input. */
export function accountId(value: number): AccountId {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError('not an account id');
  return value as AccountId;
}

/** A conversation's id, or null when `value` cannot be one: who asks for it gets 404 like for any unknown one. */
export function conversationId(value: unknown): ConversationId | null {
  return typeof value === 'string' && UUID.test(value) ? (value as ConversationId) : null;
}

/** A session's id, or null when `value` cannot be one. */
export function sessionId(value: unknown): SessionId | null {
  return typeof value === 'string' && UUID.test(value) ? (value as SessionId) : null;
}

let pool = Buffer.alloc(0);
let used = 0;

/** A new UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits, so that ids made later sort later, to the millisecond. */
export function newId(): string {
  if (used + 16 > pool.length) {
    pool = randomFillSync(Buffer.alloc(4096));
    used = 0;
  }
  const bytes = pool.subarray(used, used + 16);
  used += 16;
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A new id for a conversation. */
export const newConversationId = (): ConversationId => newId() as ConversationId;
/** A new id for a message. */
export const newMessageId = (): MessageId => newId() as MessageId;
/** A new id for a reply. */
export const newReplyId = (): ReplyId => newId() as ReplyId;
/** A new id for a session. */
export const newSessionId = (): SessionId => newId() as SessionId;
