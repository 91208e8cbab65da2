import type { AccountId } from '@edgechat/kernel';
import type { Config } from '@edgechat/platform/config';
import type { Log } from '@edgechat/platform/logging';

/** More accounts than this at one address are seldom a household or an office; they are a proxy that hides its clients. */
const ACCOUNTS_MAX = 20;
/** The addresses that are watched at once, those of the newest calls. A proxy is in most of them. */
const ADDRESSES_MAX = 1_000;

/**
 * Sees that a proxy is before this process while `TRUSTED_PROXIES` names none: its clients would share every limit of an address. Says so once, and then watches no more.
 * Instants are of the monotonic clock, in milliseconds.
 */
export class SharedAddresses {
  private readonly accounts = new Map<string, Set<AccountId>>();
  private readonly windowMs: number;
  private isWatching: boolean;
  private endsAt = 0;

  constructor(
    config: Pick<Config, 'trustedProxies' | 'rateLimitWindowSeconds'>,
    private readonly log: Pick<Log, 'warn'>,
  ) {
    this.windowMs = config.rateLimitWindowSeconds * 1_000;
    this.isWatching = config.trustedProxies.length === 0;
  }

  /** An account makes a call. @param addressKey gives the key of the address that it comes from; not asked when nobody wants to know */
  note(account: AccountId, addressKey: () => string, now = performance.now()): void {
    if (!this.isWatching) return;
    if (now >= this.endsAt) {
      this.accounts.clear();
      this.endsAt = now + this.windowMs;
    }
    const here = this.accountsAt(addressKey()).add(account);
    if (here.size <= ACCOUNTS_MAX) return;

    this.isWatching = false;
    this.accounts.clear();
    this.log.warn(
      `More than ${ACCOUNTS_MAX} accounts call from one address, and TRUSTED_PROXIES is empty. If a proxy is before this server, set TRUSTED_PROXIES to its addresses: until then its clients share the limits of one address.`,
    );
  }

  private accountsAt(key: string): Set<AccountId> {
    const accounts = this.accounts.get(key) ?? new Set<AccountId>();
    this.accounts.delete(key);
    this.accounts.set(key, accounts);
    const [leastRecent] = this.accounts.keys();
    if (this.accounts.size > ADDRESSES_MAX && leastRecent !== undefined) this.accounts.delete(leastRecent);
    return accounts;
  }
}
