import { Injectable } from '@nestjs/common';
import { assertNever, Refusal } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { hashInviteCode } from '../domain/invite-code.js';
import { inviteInvalid, Invites } from '../persistence/invites.js';
import { RegistrationLimit, type RegistrationReservation } from './registration-limit.js';

/** Who may make an account: as `REGISTRATION` says, and not too many from one address. */
@Injectable()
export class Admission {
  constructor(
    private readonly config: Config,
    private readonly invites: Invites,
    private readonly limit: RegistrationLimit,
  ) {}

  /**
   * Whether somebody with this code, or with none, may make an account now. Looks at nothing else, so that it tells nothing of accounts.
   * Gives the hash of the code that is to be used when the account is made; null where none is asked for.
   * @throws Refusal `registration_closed`, `invite_required` or `invite_invalid`
   * @throws Unavailable `postgres`
   */
  async admit(inviteCode: string | null): Promise<Buffer | null> {
    const { registration } = this.config;
    switch (registration) {
      case 'open':
        return null;
      case 'closed':
        throw new Refusal('registration_closed', 'Nobody can make an account here. Ask the operator of this server.');
      case 'invite':
        return this.admitInvited(hashInviteCode(inviteCode ?? ''));
      default:
        return assertNever(registration);
    }
  }

  /**
   * Counts an account that is about to be made.
   * @throws Refusal `too_many_registrations` with the seconds to wait; then nothing was counted
   * @throws Unavailable `postgres` while the signing secret cannot be read
   */
  reserve(addressKey: string): Promise<RegistrationReservation> {
    return this.limit.reserve(addressKey);
  }

  private async admitInvited(codeHash: Buffer | null): Promise<Buffer> {
    if (codeHash === null)
      throw new Refusal('invite_required', 'An account is made by invitation here. Send the code as invite_code.');
    if (!(await this.invites.isGood(codeHash))) throw inviteInvalid();
    return codeHash;
  }
}
