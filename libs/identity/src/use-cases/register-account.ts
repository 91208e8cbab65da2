import { Injectable } from '@nestjs/common';
import { Refusal } from '@edgechat/kernel';
import type { TokenPair } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import { SecurityEvents } from '../events/security-events.js';
import { HashingSlots } from '../passwords/hashing-slots.js';
import { LoginGuard } from '../passwords/login-guard.js';
import { hashPassword } from '../passwords/passwords.js';
import { Accounts } from '../persistence/accounts.js';
import { NewSessions } from '../tokens/new-sessions.js';

/** Makes an account and logs it in. */
@Injectable()
export class RegisterAccount {
  constructor(
    private readonly accounts: Accounts,
    private readonly slots: HashingSlots,
    private readonly guard: LoginGuard,
    private readonly sessions: NewSessions,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * The tokens of the new account's first session; the account is there for every reader once this has resolved. Of two registers of one address at once, one succeeds.
   * @param input the password has 8 to 1,024 characters, all of which count; `addressKey` is where the caller is, for the guessing limits
   * @throws Refusal `email_taken`
   * @throws Unavailable `postgres`, or `hashing` when too many passwords wait to be hashed
   */
  async execute(input: { email: Email; password: string; addressKey: string }): Promise<TokenPair> {
    // Looked up first only to spare the hashing; what decides is the unique key.
    if (await this.accounts.isTaken(input.email)) throw taken();

    const { addressKey, email } = input;
    const request = { purpose: 'registration', addressKey, name: email.key } as const;
    const passwordHash = await this.slots.run(request, () => hashPassword(input.password));
    const { session, tokensFor } = await this.sessions.prepare(await this.guard.hashAddress(input.addressKey));
    const account = await this.accounts.register(input.email, passwordHash, session);
    if (account === null) throw taken();

    this.events.record({ kind: 'account.registered', accountId: account, sessionId: session.id, addressKey });
    return tokensFor(account);
  }
}

// The first contract's very words.
const taken = (): Refusal => new Refusal('email_taken', 'Email already registered');
