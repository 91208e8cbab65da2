import { Injectable } from '@nestjs/common';
import { Refusal } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis, WindowCounters, type WindowCounter } from '@edgechat/platform/redis';
import { networksOf } from '../domain/networks.js';
import { pseudonym, SigningKeys } from '../tokens/signing-keys.js';

const HOUR_S = 3_600;
const DAY_S = 86_400;

/** What a registration took from the limits of its address. Keep it when the account was made. */
export interface RegistrationReservation {
  /** No account was made: it does not count. */
  readonly giveBack: () => Promise<void>;
}

/**
 * Limits how many accounts are made from an address and the networks around it, in an hour and in a day. Each window begins with its first registration.
 * A registration is counted before its password is hashed and taken back when it fails, so that no more than allowed are under way. Counted in Redis for all replicas; while Redis is away, in this process.
 * Addresses are not kept, only their HMACs.
 */
@Injectable()
export class RegistrationLimit {
  private readonly counters: WindowCounters;
  private readonly windows: readonly { readonly max: number; readonly windowS: number }[];

  constructor(
    config: Config,
    redis: Redis,
    log: Log,
    private readonly keys: SigningKeys,
  ) {
    this.counters = new WindowCounters(redis, log, { name: 'registrations' });
    this.windows = [
      { max: config.registrationsPerHour, windowS: HOUR_S },
      { max: config.registrationsPerDay, windowS: DAY_S },
    ].filter(({ max }) => Number.isFinite(max));
  }

  /**
   * Counts one registration.
   * @throws Refusal `too_many_registrations` with the seconds to wait; then nothing was counted
   * @throws Unavailable `postgres` while the signing secret cannot be read
   */
  async reserve(addressKey: string): Promise<RegistrationReservation> {
    if (this.windows.length === 0) return { giveBack: () => Promise.resolve() };

    const { isRefused, counts, giveBack } = await this.counters.take(await this.countersOf(addressKey));
    if (!isRefused) return { giveBack };

    const waitsMs = counts.filter(({ isUsedUp }) => isUsedUp).map(({ endsInMs }) => endsInMs);
    throw new Refusal(
      'too_many_registrations',
      'Too many accounts were made from this address or its network. Wait as long as Retry-After says.',
      { retryAfterS: Math.max(1, Math.ceil(Math.max(...waitsMs) / 1_000)) },
    );
  }

  private async countersOf(addressKey: string): Promise<readonly WindowCounter[]> {
    const keys = await this.keys.get();
    return networksOf(addressKey).flatMap(({ key, factor }) => {
      const network = pseudonym(keys, 'address', key).toString('base64url');
      return this.windows.map(({ max, windowS }) => ({ key: `${network}:${windowS}`, max: max * factor, windowS }));
    });
  }
}
