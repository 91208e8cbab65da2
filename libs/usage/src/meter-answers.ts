import { Injectable } from '@nestjs/common';
import type { AccountId } from '@edgechat/kernel';
import { Postgres, type Statement } from '@edgechat/platform/postgres';

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

/** Meters what answers use. */
@Injectable()
export class MeterAnswers {
  constructor(private readonly postgres: Postgres) {}

  /** Charges a completion once, however often it is called. @throws Unavailable `postgres` */
  async add({ id, accountId, provider, model, tokensIn, tokensOut }: CompletionUse): Promise<void> {
    await this.postgres.query(ADD, [id, accountId, provider, model, tokensIn, tokensOut]);
  }
}
