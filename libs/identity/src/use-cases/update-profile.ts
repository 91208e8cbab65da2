import { Injectable } from '@nestjs/common';
import { Refusal, type AccountId } from '@edgechat/kernel';
import { isAnothersDefaultName, type Account } from '../domain/account.js';
import { Accounts } from '../persistence/accounts.js';

/** Changes what others see of an account. */
@Injectable()
export class UpdateProfile {
  constructor(private readonly accounts: Accounts) {}

  /**
   * Sets the display name (1 to 80 characters), as it is given.
   * @throws Refusal `validation_failed` for the name that another account has while it sets none; `unauthorized` when the account is gone
   * @throws Unavailable `postgres`
   */
  async execute(id: AccountId, profile: { displayName: string }): Promise<Account> {
    if (isAnothersDefaultName(profile.displayName, id)) throw anothersName();
    const account = await this.accounts.rename(id, profile.displayName);
    if (account === null) throw new Refusal('unauthorized', 'This account is gone.');
    return account;
  }
}

const anothersName = (): Refusal => {
  const detail = 'display_name must not be User and a number: so an account is called that has set no name.';
  return new Refusal('validation_failed', detail, {
    errors: [{ field: '/display_name', code: 'anothers_name', detail }],
  });
};
