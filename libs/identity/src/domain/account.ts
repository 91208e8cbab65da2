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

/** The name that others see: `User <id>` until one is set. */
export function displayNameOf(id: AccountId, displayName: string | null): string {
  return displayName ?? `User ${id}`;
}
