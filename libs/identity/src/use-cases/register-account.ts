import { Injectable } from '@nestjs/common';
import { Refusal } from '@edgechat/kernel';
import type { TokenPair } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import { HashingSlots } from '../passwords/hashing-slots.js';
import { LoginGuard } from '../passwords/login-guard.js';
import { PasswordRules } from '../passwords/password-rules.js';
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
    private readonly rules: PasswordRules,
  ) {}

  /**
   * The tokens of the new account's first session; the account is there for every reader once this has resolved. Of two registers of one address at once, one succeeds.
   * @param input the password has 8 to 1,024 characters, all of which count; `addressKey` is where the caller is, for the guessing limits
   * @throws Refusal `password_too_common` for one that anybody guesses; `email_taken` for an address that an account has, in whatever spelling
   * @throws Unavailable `postgres`, or `hashing` when too many passwords wait to be hashed
   */
  async execute(input: { email: Email; password: string; addressKey: string }): Promise<TokenPair> {
    await this.rules.refuseCommon('password', input.password, input.email.address);
    // Looked up first only to spare the hashing; what decides is the unique key.
    if (await this.accounts.isTaken(input.email)) throw taken();

    const passwordHash = await this.slots.run(input.addressKey, () => hashPassword(input.password));
    const [addressHash] = await this.guard.hashesOfAddress(input.addressKey);
    const { session, tokensFor } = await this.sessions.prepare(addressHash);
    const account = await this.accounts.register(input.email, passwordHash, session);
    if (account === null) throw taken();

    return tokensFor(account);
  }
}

// The first contract's very words.
const taken = (): Refusal => new Refusal('email_taken', 'Email already registered');
