import { Injectable } from '@nestjs/common';
import { Refusal, Unavailable } from '@edgechat/kernel';
import type { Caller } from '../domain/account.js';
import { SecurityEvents } from '../events/security-events.js';
import { HashingSlots } from '../passwords/hashing-slots.js';
import { LoginGuard } from '../passwords/login-guard.js';
import { hashPassword, verifyPassword } from '../passwords/passwords.js';
import { Accounts, type Credentials } from '../persistence/accounts.js';
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
    private readonly slots: HashingSlots,
    private readonly guard: LoginGuard,
    private readonly revocations: Revocations,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * Sets the new password (8 to 1,024 characters) and ends all other sessions of the account in the same transaction; the caller's own goes on.
   * @throws Refusal `wrong_password`, which delays the next try as a failed login does; `too_many_logins`, without hashing; `unauthorized` when the account is gone
   * @throws Unavailable `postgres`, or `hashing` when too many passwords wait to be hashed
   */
  async execute(caller: Caller, change: PasswordChange): Promise<void> {
    const addressHash = await this.guard.hashAddress(change.addressKey);
    for (let tried = 0; tried < TRIES; tried += 1) {
      const credentials = await this.accounts.credentialsById(caller.accountId, addressHash);
      if (credentials === null) throw new Refusal('unauthorized', 'This account is gone.');

      const { addressKey } = change;
      const request = { purpose: 'known', addressKey, name: credentials.emailKey } as const;
      const to = await this.slots.run(request, () => this.hashIfRight(caller, change, credentials));
      const ended = await this.accounts.setPassword(
        caller.accountId,
        { from: credentials.passwordHash, to },
        caller.sessionId,
      );
      if (ended !== null) {
        this.events.record({ kind: 'password.changed', ...caller, addressKey });
        return this.revocations.add(ended);
      }
      // The hash was replaced since it was read, by a login that renewed it or by another change: the old password must be asked again.
    }
    throw new Unavailable('postgres', { detail: 'The account was changed at the same time. Try again.' });
  }

  private async hashIfRight(caller: Caller, change: PasswordChange, credentials: Credentials): Promise<string> {
    const { emailKey, isKnownAddress, passwordHash } = credentials;
    const { addressKey } = change;
    const reservation = await this.guard.reserve({ ...caller, emailKey, addressKey, isKnownAddress });
    const isRight = await verifyPassword(change.oldPassword, passwordHash);
    await reservation.settle(isRight);
    if (!isRight) throw new Refusal('wrong_password', 'The old password is not right. Nothing was changed.');

    return hashPassword(change.newPassword);
  }
}
