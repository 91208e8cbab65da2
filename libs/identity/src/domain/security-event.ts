import type { AccountId, SessionId } from '@edgechat/kernel';

/** What rows are gathered by: events of one kind and hour that agree in this are one row with a count. */
type GatheredBy = 'account' | 'account-address';

/** Events are gathered by hours (UTC) of so many milliseconds. */
export const HOUR_MS = 3_600_000;

/** When the hour of an instant began, in milliseconds since 1970. */
export const hourOf = (atMs: number): number => atMs - (atMs % HOUR_MS);

/**
 * What is worth knowing about accounts afterwards, and what its rows are gathered by. What has no account (a login with a name that nobody has) is gathered by its address.
 * `password.set`, `account.locked` and `account.unlocked`: by the operator. `…failed`: a wrong password. `…limited`: refused by the limits on guessing, before the password was checked. `login.locked`: the right password of an account that is locked.
 */
export const SECURITY_EVENTS = {
  'account.registered': 'account',
  'account.locked': 'account',
  'account.unlocked': 'account',
  'login.succeeded': 'account-address',
  'login.failed': 'account',
  'login.limited': 'account',
  'login.locked': 'account',
  'password.changed': 'account',
  'password.set': 'account',
  'password.failed': 'account',
  'password.limited': 'account',
  'session.ended': 'account',
  'session.reused': 'account',
} as const satisfies Readonly<Record<string, GatheredBy>>;

export type SecurityEventKind = keyof typeof SECURITY_EVENTS;

/** Kinds that anybody can cause without a right password, as many as they like. */
const ATTACKS: ReadonlySet<SecurityEventKind> = new Set([
  'login.failed',
  'login.limited',
  'password.failed',
  'password.limited',
]);

export const isAttack = (kind: SecurityEventKind): boolean => ATTACKS.has(kind);

export interface SecurityEvent {
  readonly kind: SecurityEventKind;
  /** Null for a name that no account has. */
  readonly accountId: AccountId | null;
  readonly sessionId?: SessionId | null;
  /** The caller's address, which is kept as a pseudonym only. */
  readonly addressKey?: string | null;
}

/** What events of one kind and hour are gathered by. */
export function subjectOf({ kind, accountId, addressKey }: SecurityEvent): string {
  const address = `address ${addressKey ?? ''}`;
  if (accountId === null) return address;
  return SECURITY_EVENTS[kind] === 'account-address' ? `account ${accountId} ${address}` : `account ${accountId}`;
}

/** Of an address's pseudonym what people are shown, in hexadecimal digits: enough to tell addresses apart. */
export const SHOWN_DIGITS = 16;
