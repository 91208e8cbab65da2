import { Injectable } from '@nestjs/common';
import type { AccountId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';
import { DailyUse } from './daily-use.js';

/** What one answer outside of a conversation used. Answers in conversations are metered with the message itself, in its transaction. */
export interface CompletionUse {
  readonly id: string;
  readonly accountId: AccountId;
  readonly provider: string;
  readonly model: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

const ADD: Statement = {
  name: 'usage.add_completion',
  text: `insert into edgechat.answer_usage (id, account_id, kind, provider, model, tokens_in, tokens_out) values ($1, $2, 'completion', $3, $4, $5, $6) on conflict (id) do nothing`,
};

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

  /** Counts the tokens of an answer in a conversation, which was charged with the message. Costs no I/O. */
  countAnswer(
    accountId: AccountId,
    { tokensIn, tokensOut }: { readonly tokensIn: number; readonly tokensOut: number },
  ): void {
    this.dailyUse.countTokens(accountId, tokensIn + tokensOut);
  }

  /** Charges a completion once, however often it is called, and counts its tokens each time: each was made. @throws Unavailable `postgres`; they are counted all the same */
  async add({ id, accountId, provider, model, tokensIn, tokensOut }: CompletionUse): Promise<void> {
    this.dailyUse.countTokens(accountId, tokensIn + tokensOut);
    await this.postgres.query(ADD, [id, accountId, provider, model, tokensIn, tokensOut]);
  }
}
