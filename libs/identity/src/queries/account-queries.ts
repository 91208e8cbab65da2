import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId } from '@edgechat/kernel';
import type { Account, FoundAccount } from '../domain/account.js';
import type { Email } from '../domain/email.js';
import { Accounts } from '../persistence/accounts.js';

/** Reads accounts. */
@Injectable()
export class AccountQueries {
  constructor(private readonly accounts: Accounts) {}

  /** An account, or null when there is none. @throws Unavailable `postgres` */
  findAccount(id: AccountId): Promise<Account | null> {
    return this.accounts.find(id);
  }

  /** What others see of the account of an e-mail address, in any case; null when there is none. @throws Unavailable `postgres` */
  async findByEmail(email: Email): Promise<FoundAccount | null> {
    const account = await this.accounts.findByEmail(email);
    return account && { id: account.id, displayName: account.displayName };
  }

  /** The caller's own account. @throws Refusal `unauthorized` when it is gone: a token outlives it; Unavailable `postgres` */
  async getMe(id: AccountId): Promise<Account> {
    const account = await this.accounts.find(id);
    if (account === null) throw new Refusal('unauthorized', 'This account is gone.');
    return account;
  }
}
