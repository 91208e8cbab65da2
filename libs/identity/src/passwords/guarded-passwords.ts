import { Injectable } from '@nestjs/common';
import type { HashingRequest } from '../domain/hashing-order.js';
import { HashingSlots } from './hashing-slots.js';
import { LoginGuard, type Attempt } from './login-guard.js';
import { fitPassword, hashPassword, type Fit } from './passwords.js';

/** Hashes and checks passwords: each when it is its turn (`HashingSlots`), each check counted as a guess (`LoginGuard`). */
@Injectable()
export class GuardedPasswords {
  constructor(
    private readonly slots: HashingSlots,
    private readonly guard: LoginGuard,
  ) {}

  /** See `LoginGuard`. @throws Unavailable `postgres` */
  hashesOfAddress(addressKey: string): Promise<readonly [Buffer, ...Buffer[]]> {
    return this.guard.hashesOfAddress(addressKey);
  }

  /** The hash of a new password. @throws Unavailable `hashing` when too many wait */
  hash(request: HashingRequest, password: string): Promise<string> {
    return this.slots.run(request, () => hashPassword(password));
  }

  /**
   * Whether a password fits a stored hash, and what `then` makes of that within the same turn. Counted within the turn, so that guesses that wait count for nothing.
   * @throws Refusal `too_many_logins`, without hashing
   * @throws Unavailable `hashing` when too many wait, `postgres`; what `then` throws
   */
  check<T>(
    request: HashingRequest,
    attempt: Attempt,
    { password, stored }: { readonly password: string; readonly stored: string },
    then: (fit: Fit) => Promise<T>,
  ): Promise<T> {
    return this.slots.run(request, async () => {
      const reservation = await this.guard.reserve(attempt);
      const fit = await fitPassword(password, stored);
      await reservation.settle(fit !== 'wrong');
      return then(fit);
    });
  }
}
