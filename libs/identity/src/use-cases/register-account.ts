import { Injectable } from '@nestjs/common';
import { Refusal, Unavailable } from '@edgechat/kernel';
import type { TokenPair } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import { SecurityEvents } from '../events/security-events.js';
import { GuardedPasswords } from '../passwords/guarded-passwords.js';
import { PasswordRules } from '../passwords/password-rules.js';
import { Accounts } from '../persistence/accounts.js';
import { Admission } from '../registration/admission.js';
import { NewSessions } from '../tokens/new-sessions.js';

interface Registration {
  readonly email: Email;
  /** 8 to 1,024 characters, all of which count. */
  readonly password: string;
  /** Where the caller is: limits count on it. */
  readonly addressKey: string;
  /** Asked for where `REGISTRATION` is `invite`, and else ignored. */
  readonly inviteCode?: string | undefined;
}

/** Makes an account and logs it in. */
@Injectable()
export class RegisterAccount {
  constructor(
    private readonly accounts: Accounts,
    private readonly passwords: GuardedPasswords,
    private readonly sessions: NewSessions,
    private readonly rules: PasswordRules,
    private readonly admission: Admission,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * The tokens of the new account's first session; the account is there for every reader once this has resolved. Of two registers of one address at once, one succeeds, and so with two that have one use of a code left.
   * @throws Refusal `registration_closed`, `invite_required` or `invite_invalid`, before anything tells of accounts; `password_too_common` for one that anybody guesses; `email_taken` for an address that an account has, in whatever spelling; `too_many_registrations`, without hashing. What fails counts nowhere and uses up no code
   * @throws Unavailable `postgres`, or `hashing` when too many passwords wait to be hashed
   */
  async execute(registration: Registration): Promise<TokenPair> {
    const inviteHash = await this.admission.admit(registration.inviteCode ?? null);
    await this.rules.refuseCommon('password', registration.password, registration.email.address);
    // Looked up first only to spare the hashing; what decides is the unique key.
    if (await this.accounts.isTaken(registration.email)) throw taken();

    const reservation = await this.admission.reserve(registration.addressKey);
    try {
      return await this.make(registration, inviteHash);
    } catch (error) {
      // (Where PostgreSQL gave no answer the account may be there.)
      const isFateKnown = !(error instanceof Unavailable) || error.dependency !== 'postgres';
      if (isFateKnown) await reservation.giveBack();
      throw error;
    }
  }

  private async make(input: Registration, inviteHash: Buffer | null): Promise<TokenPair> {
    const { addressKey, email } = input;
    const request = { purpose: 'registration', addressKey, name: email.mailboxKey } as const;
    const passwordHash = await this.passwords.hash(request, input.password);
    const [addressHash] = await this.passwords.hashesOfAddress(addressKey);
    const { session, tokensFor } = await this.sessions.prepare(addressHash);
    const account = await this.accounts.register(email, passwordHash, session, inviteHash);
    if (account === null) throw taken();

    const { accountId } = account;
    this.events.record({ kind: 'account.registered', accountId, sessionId: session.id, addressKey });
    return tokensFor(account);
  }
}

// The first contract's very words.
const taken = (): Refusal => new Refusal('email_taken', 'Email already registered');
