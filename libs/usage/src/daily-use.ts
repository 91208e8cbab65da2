import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { limitOrNull, type AccountId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { DailyUses } from './daily-uses.js';
import { GatheredCounts } from './gathered-counts.js';
import { UseBatch, type Use } from './use-batch.js';

const MIB = 1_048_576;

/** What an account may use on a day; null where that is not limited. */
export interface DailyLimits {
  /** The day (UTC) by this process's clock, as `2026-11-24`. */
  readonly day: string;
  readonly textBytes: number | null;
  readonly tokens: number | null;
}

/** What an account used today, and in how many seconds it may ask for an answer again when its tokens are used up; null while they are not. */
export interface UseToday extends Use {
  readonly retryAfterS: number | null;
}

/**
 * What accounts use in a day (UTC): texts, `TEXT_MB_PER_DAY`, and tokens, `AI_TOKENS_PER_DAY`. Counted in memory and written each half second.
 *
 * What must hold: what this process counted is either in PostgreSQL or in what `pendingOf` gives, so that both together are never less than what was used through this process; what
 * other processes counted is half a second late. While a write is under way its counts may be in both: who refuses because of them judges again once `settled` has resolved. A write
 * whose answer was lost is repeated, and may count twice. What is not limited is not counted.
 */
@Injectable()
export class DailyUse implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly gathered: GatheredCounts<UseBatch>;
  /** Bytes of texts whose sends are under way. */
  private readonly sending = new Map<AccountId, number>();
  private readonly textBytesMax: number;
  private readonly tokensMax: number;
  private today = '';
  private todayEndsAt = 0;
  private writes = 0;

  constructor(
    private readonly uses: DailyUses,
    config: Config,
    log: Log,
  ) {
    this.textBytesMax = config.textMbPerDay * MIB;
    this.tokensMax = config.aiTokensPerDay;
    this.gathered = new GatheredCounts(
      () => new UseBatch(),
      (batch) => {
        this.writes += 1;
        return this.uses.add(batch.toRows(), this.day());
      },
      log,
      'texts and tokens',
    );
  }

  onApplicationBootstrap(): void {
    if (this.findLimits() !== null) this.gathered.start();
  }

  /** After the last text and token was counted (by modules nearer to the root), and before the pool closes. */
  async onApplicationShutdown(): Promise<void> {
    await this.gathered.stop();
  }

  /** What an account may use today, or null when nothing is limited. */
  findLimits(): DailyLimits | null {
    if (this.textBytesMax === Infinity && this.tokensMax === Infinity) return null;
    return { day: this.day(), textBytes: limitOrNull(this.textBytesMax), tokens: limitOrNull(this.tokensMax) };
  }

  /** Counts bytes of an account's texts, or of what they take in the search index, today. Costs no I/O. */
  countText(accountId: AccountId, bytes: number): void {
    if (this.textBytesMax < Infinity)
      this.gathered.gathering.count(accountId, this.day(), { textBytes: bytes, tokens: 0 });
  }

  /** Counts tokens that answers to an account used, today. Costs no I/O. */
  countTokens(accountId: AccountId, tokens: number): void {
    if (this.tokensMax < Infinity) this.gathered.gathering.count(accountId, this.day(), { textBytes: 0, tokens });
  }

  /** Holds bytes for a text that is being sent, so that sends at once do not together go beyond the limit. Call `releaseText` once its fate is known. */
  reserveText(accountId: AccountId, bytes: number): void {
    this.sending.set(accountId, (this.sending.get(accountId) ?? 0) + bytes);
  }

  releaseText(accountId: AccountId, bytes: number): void {
    const left = (this.sending.get(accountId) ?? 0) - bytes;
    if (left > 0) this.sending.set(accountId, left);
    else this.sending.delete(accountId);
  }

  /** What this process counted of an account today and PostgreSQL may not have yet, and the bytes that are held for its texts. */
  pendingOf(accountId: AccountId): Use {
    const day = this.day();
    const gathering = this.gathered.gathering.find(accountId, day);
    const writing = this.gathered.unwritten?.find(accountId, day);
    return {
      textBytes: (gathering?.textBytes ?? 0) + (writing?.textBytes ?? 0) + (this.sending.get(accountId) ?? 0),
      tokens: (gathering?.tokens ?? 0) + (writing?.tokens ?? 0),
    };
  }

  /** True when bytes are held for texts of this account. */
  isSending(accountId: AccountId): boolean {
    return this.sending.has(accountId);
  }

  /** How many writes there were, or null while one is under way. The same number before and after a look into PostgreSQL: what `pendingOf` gave was not there as well. */
  get writesSoFar(): number | null {
    return this.gathered.unwritten === null ? this.writes : null;
  }

  /** Resolves when no write is under way. Never rejects. */
  settled(): Promise<void> {
    return this.gathered.settled();
  }

  /** What an account used today, with what this process has not written yet. @throws Unavailable `postgres` */
  async getUse(accountId: AccountId): Promise<UseToday> {
    const before = this.writesSoFar;
    const use = await this.readUse(accountId);
    if (use.retryAfterS === null || (before !== null && before === this.writesSoFar)) return use;
    await this.settled();
    return this.readUse(accountId);
  }

  /** In how many seconds an account that used up its tokens may ask again; null when it may ask now. Costs nothing where tokens are not limited. @throws Unavailable `postgres` */
  async findTokensRetry(accountId: AccountId): Promise<number | null> {
    return this.tokensMax === Infinity ? null : (await this.getUse(accountId)).retryAfterS;
  }

  /** Writes what was counted until now. @throws Unavailable `postgres`; the counts are kept for the next call */
  flush(): Promise<void> {
    return this.gathered.flush();
  }

  private async readUse(accountId: AccountId): Promise<UseToday> {
    const pending = this.pendingOf(accountId);
    const found = await this.uses.findUse(accountId, this.day(), pending.tokens, limitOrNull(this.tokensMax));
    return {
      textBytes: (found?.textBytes ?? 0) + pending.textBytes,
      tokens: (found?.tokens ?? 0) + pending.tokens,
      retryAfterS: found?.retryAfterS ?? null,
    };
  }

  private day(): string {
    const now = Date.now();
    if (now < this.todayEndsAt && now >= this.todayEndsAt - DAY_MS) return this.today;
    this.today = new Date(now).toISOString().slice(0, 10);
    this.todayEndsAt = now - (now % DAY_MS) + DAY_MS;
    return this.today;
  }
}

const DAY_MS = 86_400_000;
