import { Injectable } from '@nestjs/common';
import type { DebtKind } from '@edgechat/contracts';
import { Unavailable, type ConversationId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres, type Sql, type Statement } from '@edgechat/platform/postgres';

/** Something owed because of one message. `content` is its text, where the debt was written with it. */
export interface Debt {
  readonly conversationId: ConversationId;
  readonly seq: number;
  readonly content: string | null;
}

/**
 * Pays debts of one kind. Effects in PostgreSQL go through `sql` and commit together with the debts' removal; effects elsewhere must be repeatable.
 * May resolve to how many it paid, from the first on, where all would have taken too long; the others come with the next batch.
 */
export type Payment = (sql: Sql, debts: readonly Debt[]) => Promise<void> | Promise<number>;

/** What is to be paid: what one conversation owes, in its order; or, without one, what all owe, the longest owed first. */
export interface Owed {
  readonly conversationId: string | null;
  readonly kind: DebtKind;
  readonly signal: AbortSignal;
  readonly batch?: number;
}

interface Batch {
  readonly conversationId: string | null;
  readonly kind: DebtKind;
  readonly only: number | null;
  readonly batch: number;
}

interface DebtRow {
  readonly conversation_id: ConversationId;
  readonly seq: number;
  readonly content: string | null;
  /** Where the row is, which is locked. */
  readonly place: string;
}

const BATCH = 100;
/** A run that finds more and more to pay ends after this long: the rings of what came meanwhile begin the next. */
const PAY_FOR_MS = 10_000;

// A debt that was put off waits for its time; a fresh one is taken at once, whatever its `next_at`, which is for the relay.
const TAKE: Statement = {
  name: 'outbox.take',
  text: `select conversation_id, seq, content, ctid::text as place from edgechat.outbox
         where conversation_id = $1 and kind = $2 and (attempts = 0 or next_at <= clock_timestamp()) and ($3::bigint is null or seq = $3) and (kind <> 'purge' or next_at <= clock_timestamp())
         order by seq limit $4 for update skip locked`,
};
// (`kind || ''` is what the index of what is due is made of. See there.)
const TAKE_ANY: Statement = {
  name: 'outbox.take_any',
  text: `select conversation_id, seq, content, ctid::text as place from edgechat.outbox
         where kind || '' = $1 and next_at <= statement_timestamp() + interval '2 seconds' and (attempts = 0 or next_at <= clock_timestamp())
         order by next_at limit $2 for update skip locked`,
};
const SETTLE: Statement = { name: 'outbox.settle', text: 'delete from edgechat.outbox where ctid = any($1::tid[])' };
// An outage ends soon or late, and what it held up must not wait an hour for that.
const PUT_OFF: Statement = {
  name: 'outbox.put_off',
  text: `update edgechat.outbox set attempts = attempts + 1, next_at = clock_timestamp() + least(interval '1 second' * power(2, least(attempts, 12)), make_interval(secs => $4::int))
         where conversation_id = $1 and kind = $2 and seq = $3`,
};
const LONGEST_PAUSE_S = { outage: 10, failure: 3_600 };
const LIST_DUE: Statement = {
  name: 'outbox.list_due',
  text: `select due.conversation_id, due.kind from unnest(array['store', 'fan_out', 'search', 'purge']) k
         cross join lateral (select conversation_id, kind from edgechat.outbox where kind || '' = k and next_at <= statement_timestamp() order by next_at limit 500) due group by 1, 2`,
};

/** The list of what is owed. Rows go only when they are paid; a row that cannot be paid is tried again after a pause that grows to an hour. */
@Injectable()
export class Outbox {
  constructor(
    private readonly postgres: Postgres,
    private readonly log: Log,
  ) {}

  /**
   * Pays all that a conversation owes of one kind, in batches (100 unless told; a batch must be paid within the 5 s of a transaction), until one is not full.
   * What comes to be owed after that look rings after it was written, and its ring is kept while the run lasts (ADR 5): it is the next run's. A last look would find nothing most times.
   * Runs may overlap: each row is taken by one at a time. When a batch fails its rows are tried one by one, and only those that fail again are put off.
   * @throws Unavailable when a store is away, or a row alone takes too long; everything unpaid stays owed
   */
  async pay({ conversationId, kind, signal, batch = BATCH }: Owed, payment: Payment): Promise<void> {
    const until = Date.now() + PAY_FOR_MS;
    while (!signal.aborted && Date.now() < until) {
      const taken: DebtRow[] = [];
      let paid = 0;
      try {
        paid = await this.payBatch({ conversationId, kind, only: null, batch }, payment, taken);
      } catch (error) {
        if (taken.length === 0) throw error;
        await this.payOneByOne(kind, signal, payment, taken);
        paid = taken.length;
      }
      if (taken.length < batch && paid === taken.length) return;
    }
  }

  /** The conversations that owe something which should have been paid by now; at most 500 debts of each kind are looked at. */
  listDue(): Promise<{ conversation_id: string; kind: DebtKind }[]> {
    return this.postgres.query(LIST_DUE);
  }

  /** @returns how many of the taken were paid, from the first on */
  private async payBatch(
    { conversationId, kind, only, batch }: Batch,
    payment: Payment,
    taken: DebtRow[],
  ): Promise<number> {
    return this.postgres.transaction(async (sql) => {
      taken.push(
        ...(conversationId === null
          ? await sql.query<DebtRow>(TAKE_ANY, [kind, batch])
          : await sql.query<DebtRow>(TAKE, [conversationId, kind, only, batch])),
      );
      if (taken.length === 0) return 0;
      const paid =
        (await payment(
          sql,
          taken.map((row) => ({ conversationId: row.conversation_id, seq: row.seq, content: row.content })),
        )) ?? taken.length;
      await sql.query(SETTLE, [taken.slice(0, paid).map(({ place }) => place)]);
      return paid;
    });
  }

  private async payOneByOne(
    kind: DebtKind,
    signal: AbortSignal,
    payment: Payment,
    rows: readonly DebtRow[],
  ): Promise<void> {
    for (const { conversation_id: conversationId, seq: only } of rows) {
      if (signal.aborted) return;
      try {
        await this.payBatch({ conversationId, kind, only, batch: 1 }, payment, []);
      } catch (error) {
        const isOutage = error instanceof Unavailable;
        const putOff = this.postgres.query(PUT_OFF, [
          conversationId,
          kind,
          only,
          isOutage ? LONGEST_PAUSE_S.outage : LONGEST_PAUSE_S.failure,
        ]);
        // With PostgreSQL away the row stays as it is, which is right as well.
        await putOff.catch(() => undefined);
        if (isOutage) throw error;
        this.log.error('a debt could not be paid and is put off', { conversationId, kind, seq: only, error });
      }
    }
  }
}
