import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId } from '@edgechat/kernel';
import type { Account } from '../domain/account.js';
import { Accounts } from '../persistence/accounts.js';

/** Changes what others see of an account. */
@Injectable()
export class UpdateProfile {
  constructor(private readonly accounts: Accounts) {}

  /** Sets the display name (1 to 80 characters), as it is given. @throws Refusal `unauthorized` when the account is gone; Unavailable `postgres` */
  async execute(id: AccountId, profile: { displayName: string }): Promise<Account> {
    const account = await this.accounts.rename(id, profile.displayName);
    if (account === null) throw new Refusal('unauthorized', 'This account is gone.');
    return account;
  }
}
