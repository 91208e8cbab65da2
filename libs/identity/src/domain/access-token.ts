import { createHmac, type KeyObject } from 'node:crypto';
import { accountId, sessionId, type AccountId, type SessionId } from '@edgechat/kernel';

/** Whom an access token speaks for, and from when to when, in whole seconds since 1970. */
export interface AccessToken {
  readonly accountId: AccountId;
  readonly sessionId: SessionId;
  /** Of the refresh token that was handed out with it. */
  readonly generation: number;
  /** When the account was made; null when that is not said, for an account that is no longer new. */
  readonly registeredAtS: number | null;
  readonly issuedAtS: number;
  readonly expiresAtS: number;
}

/** What a verified access token says; the generation is null in one of the release before. */
export type AccessClaims = Pick<AccessToken, 'accountId' | 'sessionId' | 'registeredAtS' | 'expiresAtS'> & {
  readonly generation: number | null;
};

/** Longer texts are no access tokens: ours have about 400 characters. */
export const ACCESS_TOKEN_MAX_CHARACTERS = 1_024;

const TYPE = 'at+jwt';
const ISSUER = 'edgechat';
const AUDIENCE = 'edgechat-api';
const HEADER = base64url(`{"alg":"HS256","typ":"${TYPE}"}`);
const ACCOUNT_ID = /^[1-9][0-9]{0,15}$/;

/**
 * A JWT (RFC 7515, compact; `typ`, `iss` and `aud` as in RFC 9068) signed with HMAC-SHA256. Signed here and read by jose: what is written is always of this one form and takes 3 µs,
 * while jose makes its key anew for each signature and asks the thread pool, 43 µs of CPU. What is read may be anything.
 */
export function encodeAccessToken(key: KeyObject, token: AccessToken): string {
  const payload = {
    iss: ISSUER,
    aud: AUDIENCE,
    type: 'access',
    sid: token.sessionId,
    sub: String(token.accountId),
    gen: token.generation,
    iat: token.issuedAtS,
    exp: token.expiresAtS,
    ...(token.registeredAtS === null ? {} : { reg: token.registeredAtS }),
  };
  const signed = `${HEADER}.${base64url(JSON.stringify(payload))}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

/** True for a text that can be an access token: three parts in their one spelling as base64url, together at most 1 KiB. Asked before anything is computed. */
export function canBeAccessToken(text: string): boolean {
  if (text.length > ACCESS_TOKEN_MAX_CHARACTERS) return false;
  const parts = text.split('.');
  return parts.length === 3 && parts.every(isCanonical);
}

/**
 * What a JWT says whose signature and expiry were verified; null when it is no access token of this system.
 * One of the release before has neither `iss` nor `aud` and another `typ`; it is good until it expires.
 */
export function readAccessClaims(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
): AccessClaims | null {
  const { type, sub, sid, exp, gen = null, reg = null } = claims;
  const session = sessionId(sid);
  const id = typeof sub === 'string' && ACCOUNT_ID.test(sub) ? Number(sub) : NaN;
  if (type !== 'access' || session === null || !Number.isSafeInteger(id) || !isWhole(exp)) return null;
  if (!(isForUs(header, claims) || isOfReleaseBefore(header, claims))) return null;
  if (!(gen === null || isWhole(gen)) || !(reg === null || isWhole(reg))) return null;
  return { accountId: accountId(id), sessionId: session, generation: gen, registeredAtS: reg, expiresAtS: exp };
}

type Parts = Readonly<Record<string, unknown>>;

const isForUs = ({ typ }: Parts, { iss, aud }: Parts): boolean => typ === TYPE && iss === ISSUER && aud === AUDIENCE;

const isOfReleaseBefore = ({ typ = 'JWT' }: Parts, { iss, aud }: Parts): boolean =>
  typ === 'JWT' && iss === undefined && aud === undefined;

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const isCanonical = (part: string): boolean =>
  part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
