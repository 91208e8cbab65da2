import { Injectable } from '@nestjs/common';
import { hashInviteCode, newInviteCode } from '../domain/invite-code.js';
import { Invites } from '../persistence/invites.js';

/** Accounts that one code can make, and days that it is good for. */
export const INVITE_USES_MAX = 10_000;
export const INVITE_DAYS_MAX = 365;

/** Makes a code that lets people register where `REGISTRATION` is `invite`: for the operator. */
@Injectable()
export class MakeInvite {
  constructor(private readonly invites: Invites) {}

  /**
   * A new code, good for `uses` accounts (1 to 10,000) in the next `days` (1 to 365), and when it expires. Only its hash is kept: nobody can be shown it again.
   * @throws Unavailable `postgres`; what was made then is known to nobody and expires
   */
  async execute(good: { uses: number; days: number }): Promise<{ code: string; expiresAt: Date }> {
    const code = newInviteCode();
    const codeHash = hashInviteCode(code);
    if (codeHash === null) throw new Error('a new code has no characters');
    return { code, expiresAt: await this.invites.add(codeHash, good) };
  }
}
