import { FairSlots, Refusal, type AccountId } from '@edgechat/kernel';

const MIB = 1_048_576;
const WAITING_MAX_PER_ACCOUNT = 16;
const WAITING_MAX = 2_000;
const WAITING_MAX_BYTES = 16 * MIB;
/** Prompts that workers have take memory here and in Redis. A quarter is for accounts that have none there. */
const UNDER_WAY_MAX_BYTES = 32 * MIB;

/** The call's time was over, or the process stops, before its turn came. */
class NoTurn extends Error {}

/**
 * The turns of prompts to be given to a worker: of one account so many are under way at once as it may have answers, and what is under way and what waits is bounded by its bytes.
 * An account with no prompt here is never refused for those of others.
 */
export class PromptTurns {
  private readonly byAccount: FairSlots<AccountId>;
  private readonly byBytes = new FairSlots<AccountId>({
    capacity: UNDER_WAY_MAX_BYTES,
    reserved: UNDER_WAY_MAX_BYTES / 4,
    waitingMax: WAITING_MAX,
    refuse: () => new NoTurn(),
  });
  private waitingBytes = 0;

  constructor(perAccount: number) {
    this.byAccount = new FairSlots({
      capacity: Number.POSITIVE_INFINITY,
      perKey: perAccount,
      waitingMax: WAITING_MAX,
      refuse: () => new NoTurn(),
    });
  }

  /** Bytes of the prompts that wait for their turn just now. */
  get bytesThatWait(): number {
    return this.waitingBytes;
  }

  /**
   * What `work` gives, once it is the account's turn; null when `signal` aborts before. Who gives up leaves nothing behind.
   * @throws Refusal `too_many_requests` when 16 prompts of the account wait already, or the account has one under way and 16 MiB of all accounts wait; what `work` throws
   */
  async run<T>(account: AccountId, bytes: number, work: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
    this.refuseTooMany(account, bytes);
    let waits = true;
    const begin = (): void => {
      if (waits) this.waitingBytes -= bytes;
      waits = false;
    };
    const begun = (): Promise<T> => {
      begin();
      return work();
    };
    this.waitingBytes += bytes;
    try {
      return await this.byAccount.run(account, 1, () => this.byBytes.run(account, bytes, begun, signal), signal);
    } catch (error) {
      if (error instanceof NoTurn) return null;
      throw error;
    } finally {
      begin();
    }
  }

  private refuseTooMany(account: AccountId, bytes: number): void {
    const { running, waiting } = this.byAccount.loadOf(account);
    if (waiting < WAITING_MAX_PER_ACCOUNT && (running === 0 || this.waitingBytes + bytes <= WAITING_MAX_BYTES)) return;
    throw new Refusal(
      'too_many_requests',
      'Too many prompts wait for their answers. Wait for those of this account, then ask again.',
      { retryAfterS: 1 },
    );
  }
}
