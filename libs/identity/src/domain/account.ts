import type { AccountId, SessionId } from '@edgechat/kernel';

/** An account as its owner sees it. */
export interface Account {
  readonly id: AccountId;
  /** As it was given at registration. */
  readonly email: string;
  /** The name that was set, else `User <id>`. */
  readonly displayName: string;
  readonly createdAt: Date;
}

/** An account as others see it. */
export type FoundAccount = Pick<Account, 'id' | 'displayName'>;

/** Who makes an authenticated call, and in which session. */
export interface Caller {
  readonly accountId: AccountId;
  readonly sessionId: SessionId;
  /** When the account was made, in whole seconds since 1970, as long as it is younger than `NEW_ACCOUNT_DAYS`; null for an older one. */
  readonly registeredAtS: number | null;
}

/** Whom tokens are made for. */
export interface RegisteredAccount {
  readonly accountId: AccountId;
  readonly registeredAt: Date;
}

/** An account counts as new for so long: access tokens say until then when it was made. */
export const NEW_ACCOUNT_DAYS = 7;

/** An account has at most this many open sessions: a login that makes one more ends the one that was not used for the longest time. */
export const SESSIONS_MAX = 50;

/** A session that goes on, as its owner sees it. */
export interface OpenSession {
  readonly id: SessionId;
  readonly createdAt: Date;
  /** Of the last login or refresh, or of the first use of an access token that it gave, whichever is later. */
  readonly lastUsedAt: Date;
  /** When it ends unless it is refreshed before. */
  readonly expiresAt: Date;
}

/** What a login gives: a short-lived access token, and the refresh token that works once. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Characters (code points) of a password, and of a display name. */
export const PASSWORD_MIN_CHARACTERS = 8;
export const PASSWORD_MAX_CHARACTERS = 1_024;
export const DISPLAY_NAME_MAX_CHARACTERS = 80;

/**
 * True for a name that reads as the one that an account has that set none: `User` and a number, in any case and in digits of any script and width, whatever stands between them or is not seen.
 * Only the account itself may have it.
 */
export function isAnothersDefaultName(name: string, id: AccountId): boolean {
  const folded = name
    .normalize('NFKC')
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Z}\p{Cf}\u2800]/gu, '')
    .toLowerCase();
  return /^user\p{Nd}+$/u.test(folded) && folded !== `user${id}`;
}

/** The name that others see: `User <id>` until one is set. */
export function displayNameOf(id: AccountId, displayName: string | null): string {
  return displayName ?? `User ${id}`;
}
