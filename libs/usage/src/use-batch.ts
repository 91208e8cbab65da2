import type { AccountId } from '@edgechat/kernel';

/** What an account used: bytes of texts and of what they take in the search index; tokens of answers, in and out. */
export interface Use {
  readonly textBytes: number;
  readonly tokens: number;
}

/** What an account used on a day (UTC), as `2026-11-24`. */
export interface UseRow {
  readonly accountId: AccountId;
  readonly day: string;
  textBytes: number;
  tokens: number;
}

/** Far above the accounts that a process serves between two writes; beyond it counts are dropped rather than the memory filled. */
export const USES_MAX = 100_000;

/** What accounts used since the last write. Bounded: beyond `USES_MAX` pairs of account and day new ones are dropped and told. */
export class UseBatch {
  private readonly rows = new Map<string, UseRow>();
  private lost = 0;

  /** Counts that found no room. */
  get dropped(): number {
    return this.lost;
  }

  get isEmpty(): boolean {
    return this.rows.size === 0;
  }

  count(accountId: AccountId, day: string, { textBytes, tokens }: Use): void {
    const row = this.rows.get(keyOf(accountId, day));
    if (row) {
      row.textBytes += textBytes;
      row.tokens += tokens;
    } else if (this.rows.size < USES_MAX) this.rows.set(keyOf(accountId, day), { accountId, day, textBytes, tokens });
    else this.lost += 1;
  }

  /** What this batch counted of an account on a day, or undefined when it is nothing. */
  find(accountId: AccountId, day: string): Use | undefined {
    return this.rows.get(keyOf(accountId, day));
  }

  /** The rows in the order of account and day, which is the order in which every process locks theirs. */
  toRows(): readonly UseRow[] {
    return [...this.rows.values()].sort((a, b) => a.accountId - b.accountId || (a.day < b.day ? -1 : 1));
  }
}

const keyOf = (accountId: AccountId, day: string): string => `${accountId}:${day}`;
