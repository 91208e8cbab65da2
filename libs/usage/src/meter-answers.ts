import { Injectable } from '@nestjs/common';
import type { AccountId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { toBill, type BilledCall, type CallOfRun } from './billed-calls.js';
import { DailyUse } from './daily-use.js';

/** What one call used, in tokens. */
type Tokens = Pick<BilledCall, 'tokensIn' | 'tokensOut'>;

/** A prompt outside of a conversation, and the run that calls the provider for it. What replies use is charged with what ends their runs. */
export interface CompletionRun {
  readonly id: string;
  readonly accountId: AccountId;
  readonly provider: string;
  readonly model: string;
  /** Any number of its own, above 0: what it tells twice is charged once, and what another run of the same prompt was billed for as well. */
  readonly run: number;
}

const CHARGE: Statement = { name: 'usage.charge_calls', text: 'select edgechat.charge_calls($1::json)' };

/** The run and number that an answer is charged under, whichever run made it: a prompt is charged for one answer. */
const ANSWER = { epoch: 0, call: 0 };

/** Meters what answers use, and holds accounts to the tokens that they may use in a day. */
@Injectable()
export class MeterAnswers {
  constructor(
    private readonly postgres: Postgres,
    private readonly dailyUse: DailyUse,
  ) {}

  /** In how many seconds this account may have an answer made, or null when it may now. @throws Unavailable `postgres`, where tokens are limited */
  findRetry(accountId: AccountId): Promise<number | null> {
    return this.dailyUse.findTokensRetry(accountId);
  }

  /** Counts the tokens of calls that are charged with what ends their run, or their prompt. Costs no I/O. */
  countCalls(accountId: AccountId, calls: readonly Tokens[]): void {
    const tokens = calls.reduce((sum, { tokensIn, tokensOut }) => sum + tokensIn + tokensOut, 0);
    if (tokens > 0) this.dailyUse.countTokens(accountId, tokens);
  }

  /**
   * Charges what a completion used, in one statement: its calls that failed, each once, and its answer (null: there is none), once however many runs made one. Counts the tokens of this run's: those of
   * calls with an epoch, which other runs made, were counted then. They are counted each time: all of it was made.
   * @throws Unavailable `postgres`; they are counted all the same
   */
  async charge(
    { run, ...completion }: CompletionRun,
    failedCalls: readonly CallOfRun[],
    answer: Tokens | null,
  ): Promise<void> {
    const made: readonly Tokens[] = failedCalls.filter(({ epoch }) => epoch === undefined);
    this.countCalls(completion.accountId, answer === null ? made : [...made, answer]);
    const calls = answer === null ? failedCalls : [...failedCalls, { ...ANSWER, ...answer }];
    const bill = toBill({ ...completion, kind: 'completion', conversationId: null, epoch: run }, calls);
    await this.chargeBill(bill);
  }

  /** Charges what a run is billed for, as `toBill` gives it, where no statement that ends the run does: its reply is another's, or has its answer. May be repeated. @throws Unavailable `postgres` */
  async chargeBill(bill: string | null): Promise<void> {
    if (bill !== null) await this.postgres.query(CHARGE, [bill]);
  }
}
