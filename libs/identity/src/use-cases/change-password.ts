import { Injectable } from '@nestjs/common';
import { Refusal, Unavailable } from '@edgechat/kernel';
import type { Caller, RegisteredAccount, TokenPair } from '../domain/account.js';
import { SecurityEvents } from '../events/security-events.js';
import { GuardedPasswords } from '../passwords/guarded-passwords.js';
import { PasswordRules } from '../passwords/password-rules.js';
import { hashPassword } from '../passwords/passwords.js';
import { Accounts, type Credentials } from '../persistence/accounts.js';
import type { NewSession } from '../persistence/sessions.js';
import { NewSessions } from '../tokens/new-sessions.js';
import { Revocations } from '../tokens/revocations.js';

const TRIES = 3;

interface PasswordChange {
  readonly oldPassword: string;
  readonly newPassword: string;
  readonly addressKey: string;
}

/** Replaces the caller's password. */
@Injectable()
export class ChangePassword {
  constructor(
    private readonly accounts: Accounts,
    private readonly passwords: GuardedPasswords,
    private readonly revocations: Revocations,
    private readonly rules: PasswordRules,
    private readonly newSessions: NewSessions,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * Sets the new password (8 to 1,024 characters) and ends all other sessions of the account in the same transaction; the caller's own goes on.
   * @throws Refusal `password_too_common` for a new one that anybody guesses, before the old one is asked; `wrong_password`, which delays the next try as a failed login does; `too_many_logins`, without hashing; `unauthorized` when the account is gone or locked, or the session has ended
   * @throws Unavailable `postgres`, or `hashing` when too many passwords wait to be hashed
   */
  async execute(caller: Caller, change: PasswordChange): Promise<void> {
    await this.replace(caller, change, await this.passwords.hashesOfAddress(change.addressKey), null);
  }

  /**
   * As `execute`, but the caller's own session ends too, and a new one begins in the same transaction: who copied a token of the old one has nothing any more.
   * Returns the tokens of the new session. @throws the same
   */
  async executeAnew(caller: Caller, change: PasswordChange): Promise<TokenPair> {
    const addressHashes = await this.passwords.hashesOfAddress(change.addressKey);
    const { session, tokensFor } = await this.newSessions.prepare(addressHashes[0]);
    return tokensFor(await this.replace(caller, change, addressHashes, session));
  }

  /** Ends every session but `begins`, or without it the caller's own. */
  private async replace(
    caller: Caller,
    change: PasswordChange,
    addressHashes: readonly Buffer[],
    begins: NewSession | null,
  ): Promise<RegisteredAccount> {
    for (let tried = 0; tried < TRIES; tried += 1) {
      const credentials = await this.accounts.credentialsById(caller.accountId, addressHashes);
      if (credentials === null || credentials.isLocked)
        throw new Refusal('unauthorized', 'This account is gone, or locked.');
      await this.rules.refuseCommon('new_password', change.newPassword, credentials.email);

      const hash = { from: credentials.passwordHash, to: await this.hashIfRight(caller, change, credentials) };
      const ended = await this.accounts.setPassword(caller, hash, begins);
      if (ended !== null) {
        this.revocations.add(ended);
        this.events.record({ kind: 'password.changed', ...caller, addressKey: change.addressKey });
        return credentials;
      }
      // The hash was replaced since it was read, by a login that renewed it or by another change: the old password must be asked again.
    }
    throw new Unavailable('postgres', { detail: 'The account was changed at the same time. Try again.' });
  }

  private hashIfRight(caller: Caller, change: PasswordChange, credentials: Credentials): Promise<string> {
    const { addressKey, oldPassword: password, newPassword } = change;
    const { emailKey, isKnownAddress, passwordHash: stored } = credentials;
    const request = { purpose: 'known', addressKey, name: emailKey } as const;
    const attempt = { ...caller, emailKey, addressKey, isKnownAddress };
    return this.passwords.check(request, attempt, { password, stored }, (fit) => {
      if (fit === 'wrong') throw new Refusal('wrong_password', 'The old password is not right. Nothing was changed.');
      return hashPassword(newPassword);
    });
  }
}
