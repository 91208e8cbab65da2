import { Injectable } from '@nestjs/common';
import type { DebtKind } from '@edgechat/contracts';
import { Unavailable } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';

/** Something owed because of one message. `content` is the text while MongoDB may not have it (kind `store` only). */
export interface Debt {
  readonly seq: number;
  readonly content: string | null;
}

/** Pays debts of one conversation and kind. Effects in PostgreSQL go through `sql` and commit together with the debts' removal; effects elsewhere must be repeatable. */
export type Payment = (sql: Sql, debts: readonly Debt[]) => Promise<void>;

const BATCH = 100;

// A debt that was put off waits for its time; a fresh one is taken at once, whatever its `next_at`, which is for the relay.
const TAKE: Statement = {
  name: 'outbox.take',
  text: `select seq, content from edgechat.outbox
         where conversation_id = $1 and kind = $2 and (attempts = 0 or next_at <= clock_timestamp()) and ($3::bigint is null or seq = $3) and (kind <> 'purge' or next_at <= clock_timestamp())
         order by seq limit ${BATCH} for update skip locked`,
};
const SETTLE: Statement = { name: 'outbox.settle', text: 'delete from edgechat.outbox where conversation_id = $1 and kind = $2 and seq = any($3::bigint[])' };
const PUT_OFF: Statement = {
  name: 'outbox.put_off',
  text: `update edgechat.outbox set attempts = attempts + 1, next_at = clock_timestamp() + least(interval '1 second' * power(2, least(attempts, 12)), interval '1 hour')
         where conversation_id = $1 and kind = $2 and seq = $3`,
};
const LIST_DUE: Statement = {
  name: 'outbox.list_due',
  text: `select conversation_id, kind from (select conversation_id, kind from edgechat.outbox where next_at <= clock_timestamp() order by next_at limit 1000) due group by 1, 2`,
};

/** The list of what is owed. Rows go only when they are paid; a row that cannot be paid is tried again after a pause that grows to an hour. */
@Injectable()
export class Outbox {
  constructor(private readonly postgres: Postgres, private readonly log: Log) {}

  /**
   * Pays all that a conversation owes of one kind, in batches of 100, until a look after the last effect finds nothing. Runs may overlap: each row is taken by one at a time.
   * When a batch fails its rows are tried one by one, and only those that fail again are put off.
   * @throws Unavailable when a store is away; everything unpaid stays owed.
   */
  async pay(conversationId: string, kind: DebtKind, signal: AbortSignal, payment: Payment): Promise<void> {
    while (!signal.aborted) {
      const taken: number[] = [];
      try {
        await this.payBatch(conversationId, kind, null, payment, taken);
      } catch (error) {
        if (error instanceof Unavailable) throw error;
        await this.payOneByOne(conversationId, kind, payment, taken);
      }
      if (taken.length === 0) return;
    }
  }

  /** The conversations that owe something which should have been paid by now; at most 1,000 debts are looked at. */
  listDue(): Promise<{ conversation_id: string; kind: DebtKind }[]> {
    return this.postgres.query(LIST_DUE);
  }

  private async payBatch(conversationId: string, kind: DebtKind, only: number | null, payment: Payment, taken: number[]): Promise<void> {
    await this.postgres.transaction(async (sql) => {
      const debts = await sql.query<Debt>(TAKE, [conversationId, kind, only]);
      if (debts.length === 0) return;
      taken.push(...debts.map(({ seq }) => seq));
      await payment(sql, debts);
      await sql.query(SETTLE, [conversationId, kind, taken]);
    });
  }

  private async payOneByOne(conversationId: string, kind: DebtKind, payment: Payment, seqs: readonly number[]): Promise<void> {
    for (const seq of seqs) {
      try {
        await this.payBatch(conversationId, kind, seq, payment, []);
      } catch (error) {
        if (error instanceof Unavailable) throw error;
        this.log.error('a debt could not be paid and is put off', { conversationId, kind, seq, error });
        await this.postgres.query(PUT_OFF, [conversationId, kind, seq]);
      }
    }
  }
}
