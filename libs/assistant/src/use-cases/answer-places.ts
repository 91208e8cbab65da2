import { Injectable } from '@nestjs/common';
import { FairSlots, type AccountId } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';

const JOBS_PER_PLACE = 4;
const JOBS_MAX = 2_000;

/** Jobs of answers that a worker takes from the queue at once: more than it makes answers, so that it sees whose they are and can choose. */
export const answerJobsAtOnce = (aiConcurrency: number): number => Math.min(aiConcurrency * JOBS_PER_PLACE, JOBS_MAX);

/** There was no place within the time, or the process stops. */
export class NoPlace extends Error {}

/**
 * The answers that this process makes at once (`AI_CONCURRENCY`): accounts take turns, one makes at most `AI_CONCURRENCY_PER_ACCOUNT`, and `AI_CONCURRENCY_RESERVED` places are for accounts
 * with none under way. Who waits for a place holds neither a lease nor a connection.
 */
@Injectable()
export class AnswerPlaces {
  private readonly slots: FairSlots<AccountId>;
  private readonly perAccount: number;
  /** Of the jobs that may wait here, half are kept for accounts of which none waits: each is seen, however many jobs others have in the queue before it. */
  private readonly crowd: number;

  constructor({ aiConcurrency, aiConcurrencyReserved, aiConcurrencyPerAccount }: Config) {
    this.perAccount = aiConcurrencyPerAccount;
    this.crowd = (answerJobsAtOnce(aiConcurrency) - aiConcurrency) / 2;
    this.slots = new FairSlots({
      capacity: aiConcurrency,
      reserved: Math.min(aiConcurrencyReserved, aiConcurrency - 1),
      perKey: aiConcurrencyPerAccount,
      waitingMax: JOBS_MAX,
      refuse: () => new NoPlace(),
    });
  }

  /** True when a further job of the account is not to wait here: it has as many as it may have under way, or one waits already, and so do many of others. */
  isFullFor(account: AccountId): boolean {
    const { running, waiting } = this.slots.loadOf(account);
    return running + waiting >= this.perAccount || (waiting > 0 && this.slots.waitingCount >= this.crowd);
  }

  /** Answers of an account that wait here for their turn. */
  waitingOf(account: AccountId): number {
    return this.slots.loadOf(account).waiting;
  }

  /** Runs `work` when it is the account's turn. @param signal ends the wait, not the work @throws NoPlace; what `work` throws */
  run<T>(account: AccountId, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.slots.run(account, 1, work, signal);
  }
}
