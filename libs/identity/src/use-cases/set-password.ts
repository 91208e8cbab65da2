import { Injectable } from '@nestjs/common';
import { accountId, codePoints, isText } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { PASSWORD_MAX_CHARACTERS, PASSWORD_MIN_CHARACTERS } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import { SecurityEventRows } from '../events/security-event-rows.js';
import { HashingSlots } from '../passwords/hashing-slots.js';
import { PasswordRules } from '../passwords/password-rules.js';
import { hashPassword } from '../passwords/passwords.js';
import { isOfEmail } from '../persistence/account-of-email.js';
import { revokeAll } from '../persistence/revoke-all.js';

const FIND: Statement = {
  name: 'account-of-operator',
  text: `select id from edgechat.accounts where ${isOfEmail('$2')}`,
};
const SET: Statement = {
  name: 'set-password-of-operator',
  text: `update edgechat.accounts set password_hash = $3::text where ${isOfEmail('$2')} returning id`,
};

/** Who asks for the hashing here. */
const OPERATOR = 'operator';

/** Replaces an account's password without asking for the old one: for the operator, who was asked for help by its owner. */
@Injectable()
export class SetPassword {
  constructor(
    private readonly postgres: Postgres,
    private readonly slots: HashingSlots,
    private readonly rules: PasswordRules,
    private readonly events: SecurityEventRows,
  ) {}

  /** True for what an account may have as its password: 8 to 1,024 characters that every store keeps. */
  isPassword(text: string): boolean {
    const characters = codePoints(text);
    return isText(text) && characters >= PASSWORD_MIN_CHARACTERS && characters <= PASSWORD_MAX_CHARACTERS;
  }

  /** True for a password that anybody guesses first, which this account may not have. */
  isTooCommon(email: Email, password: string): Promise<boolean> {
    return this.rules.isTooCommon(password, email.address);
  }

  /** True when there is an account of this address. @throws Unavailable `postgres` */
  async isKnown(email: Email): Promise<boolean> {
    return (await this.postgres.query(FIND, [email.key, email.mailboxKey])).length > 0;
  }

  /**
   * Sets the password and ends every session of the account in one transaction; returns how many, or null when there is no such account. Each API reads it within 5 s.
   * Two statements: the second one sees the sessions of logins that held the account's row while the first one waited for it.
   * @throws RangeError for what is no password, or one that is too common
   * @throws Unavailable `postgres`; safe to repeat
   */
  async execute(email: Email, password: string): Promise<number | null> {
    if (!this.isPassword(password) || (await this.isTooCommon(email, password))) throw new RangeError('not a password');

    const hash = await this.slots.run({ purpose: 'known', addressKey: OPERATOR, name: email.mailboxKey }, () =>
      hashPassword(password),
    );
    const done = await this.postgres.transaction(async (sql) => {
      const [account] = await sql.query<{ id: number }>(SET, [email.key, email.mailboxKey, hash]);
      if (!account) return null;
      return { account: accountId(account.id), ended: await revokeAll(sql, account.id) };
    });
    if (done === null) return null;
    await this.events.addOfOperator('password.set', done.account);
    return done.ended;
  }
}
