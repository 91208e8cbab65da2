import { Injectable } from '@nestjs/common';
import { accountId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import type { Email } from '../domain/email.js';
import { SecurityEventRows } from '../events/security-event-rows.js';
import { isOfEmail } from '../persistence/account-of-email.js';
import { revokeAll } from '../persistence/revoke-all.js';

const LOCK: Statement = {
  name: 'lock-account',
  text: `update edgechat.accounts set locked_at = coalesce(locked_at, clock_timestamp()) where ${isOfEmail('$2')} returning id`,
};
const UNLOCK: Statement = {
  name: 'unlock-account',
  text: `update edgechat.accounts set locked_at = null where ${isOfEmail('$2')} returning id`,
};

/** Keeps the owner of an account out, and lets them in again: for the operator. What the account has written stays. */
@Injectable()
export class LockAccount {
  constructor(
    private readonly postgres: Postgres,
    private readonly events: SecurityEventRows,
  ) {}

  /**
   * Locks the account and ends all its sessions in one transaction; gives how many, or null when there is no such account. Each API reads it within 5 s.
   * Two statements: the second one sees the sessions of logins that held the account's row while the first one waited for it. A login that comes later finds the account locked.
   * @throws Unavailable `postgres`; safe to repeat
   */
  async lock(email: Email): Promise<number | null> {
    const done = await this.postgres.transaction(async (sql) => {
      const [account] = await sql.query<{ id: number }>(LOCK, [email.key, email.mailboxKey]);
      if (!account) return null;
      return { account: accountId(account.id), ended: await revokeAll(sql, account.id) };
    });
    if (done === null) return null;
    await this.events.addOfOperator('account.locked', done.account);
    return done.ended;
  }

  /** Lets the owner log in again; false when there is no such account. @throws Unavailable `postgres`; safe to repeat */
  async unlock(email: Email): Promise<boolean> {
    const [account] = await this.postgres.query<{ id: number }>(UNLOCK, [email.key, email.mailboxKey]);
    if (!account) return false;
    await this.events.addOfOperator('account.unlocked', accountId(account.id));
    return true;
  }
}
