import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { sessionId, type SessionId } from '@edgechat/kernel';

/** What a refresh token says: the session, and the how-manieth token of it this is. */
export interface RefreshToken {
  readonly sessionId: SessionId;
  readonly generation: number;
}

const ID_BYTES = 16;
const SIGNED_BYTES = ID_BYTES + 4;
const MAC_BYTES = 32;
const TOKEN_CHARACTERS = Math.ceil(((SIGNED_BYTES + MAC_BYTES) * 4) / 3);

/**
 * The token of a session's generation: base64url of session id (16 bytes), generation (4) and HMAC-SHA256 of both (32). The same input gives the same token,
 * so that the successor of a token can be given again without being stored.
 */
export function encodeRefreshToken(key: Buffer, token: RefreshToken): string {
  const signed = Buffer.alloc(SIGNED_BYTES);
  signed.write(token.sessionId.replaceAll('-', ''), 'hex');
  signed.writeUInt32BE(token.generation, ID_BYTES);
  return Buffer.concat([signed, mac(key, signed)]).toString('base64url');
}

/** Reads a token that `key` signed, in its one spelling. Null for any other text: nothing may be done because of a forged token. */
export function decodeRefreshToken(key: Buffer, text: string): RefreshToken | null {
  const bytes = Buffer.from(text, 'base64url');
  if (text.length !== TOKEN_CHARACTERS || bytes.toString('base64url') !== text) return null;

  const signed = bytes.subarray(0, SIGNED_BYTES);
  if (!timingSafeEqual(mac(key, signed), bytes.subarray(SIGNED_BYTES))) return null;

  const hex = signed.toString('hex', 0, ID_BYTES);
  const id = sessionId(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
  );
  return id && { sessionId: id, generation: signed.readUInt32BE(ID_BYTES) };
}

/** What is stored of a token: who reads the table cannot use it. */
export function hashRefreshToken(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const mac = (key: Buffer, signed: Buffer): Buffer => createHmac('sha256', key).update(signed).digest();
