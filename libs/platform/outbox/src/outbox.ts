import { Injectable } from '@nestjs/common';
import type { DebtKind } from '@edgechat/contracts';
import { Unavailable, withDeadline, type ConversationId } from '@edgechat/kernel';
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

/** Pays debts of one kind whose effect takes work to find out, with no transaction open meanwhile. */
export interface PreparedPayment<Prepared> {
  /**
   * Works out what is to be written for each of the debts, or for the first of them: at least one. Other runs may prepare the same ones, so it has no effect of its own.
   * Ends when `signal` aborts, by throwing.
   */
  readonly prepare: (debts: readonly Debt[], signal: AbortSignal) => Promise<readonly Prepared[]>;
  /** Writes what was prepared for those debts that are still as they were, which commits together with their removal. */
  readonly write: (sql: Sql, paid: readonly PreparedDebt<Prepared>[]) => Promise<void>;
}

export interface PreparedDebt<Prepared> {
  readonly debt: Debt;
  readonly prepared: Prepared;
}

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
  /** Where the row is, and the transaction that wrote it: together they are this state of it and no other. */
  readonly place: string;
  readonly version: string;
  readonly attempts: number;
}

const BATCH = 100;
/** A run that finds more and more to pay ends after this long: the rings of what came meanwhile begin the next. */
const PAY_FOR_MS = 10_000;
/** Longest that one attempt may prepare. An entry that always takes longer delays the others for this long, and then again only after its pause. */
const PREPARE_WITHIN_MS = 5_000;

const COLUMNS = 'conversation_id, seq, content, ctid::text as place, xmin::text as version, attempts';
// A debt that was put off waits for its time; a fresh one is taken at once, whatever its `next_at`, which is for the relay.
const OF_CONVERSATION = `select ${COLUMNS} from edgechat.outbox
         where conversation_id = $1 and kind = $2 and (attempts = 0 or next_at <= clock_timestamp()) and ($3::bigint is null or seq = $3) and (kind <> 'purge' or next_at <= clock_timestamp())
         order by seq limit $4`;
// (`kind || ''` is what the index of what is due is made of. See there.)
const OF_ANY = `select ${COLUMNS} from edgechat.outbox
         where kind || '' = $1 and next_at <= statement_timestamp() + interval '2 seconds' and (attempts = 0 or next_at <= clock_timestamp())
         order by next_at limit $2`;
const TAKE: Statement = { name: 'outbox.take', text: `${OF_CONVERSATION} for update skip locked` };
const TAKE_ANY: Statement = { name: 'outbox.take_any', text: `${OF_ANY} for update skip locked` };
const READ: Statement = { name: 'outbox.read', text: OF_CONVERSATION };
const READ_ANY: Statement = { name: 'outbox.read_any', text: OF_ANY };
const TAKE_READ: Statement = {
  name: 'outbox.take_read',
  text: 'select ctid::text as place, xmin::text as version from edgechat.outbox where ctid = any($1::tid[]) for update skip locked',
};
const SETTLE: Statement = { name: 'outbox.settle', text: 'delete from edgechat.outbox where ctid = any($1::tid[])' };
// An outage ends soon or late, and what it held up must not wait an hour for that.
const PUT_OFF: Statement = {
  name: 'outbox.put_off',
  text: `update edgechat.outbox o set attempts = o.attempts + 1, next_at = clock_timestamp() + least(interval '1 second' * power(2, least(o.attempts, 12)), make_interval(secs => $4::int))
         from unnest($1::uuid[], $3::bigint[]) x(conversation_id, seq)
         where o.conversation_id = x.conversation_id and o.kind = $2 and o.seq = x.seq`,
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
  /** Entries that runs of this process are preparing, so that two of them do not prepare the same. */
  private readonly prepared = new Set<string>();

  constructor(
    private readonly postgres: Postgres,
    private readonly log: Log,
  ) {}

  /**
   * Pays all that a conversation owes of one kind, in batches (100 unless told; a batch must be paid within the 5 s of a transaction), until one is not full.
   * What comes to be owed after that look rings after it was written, and its ring is kept while the run lasts (ADR 5): it is the next run's. A last look would find nothing most times.
   * Runs may overlap: each row is taken by one at a time. When a batch fails its rows are tried one by one; those that fail again are put off, and so are those for which no time is left.
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
        await this.oneByOne(kind, signal, taken, async ({ conversation_id, seq }) => {
          await this.payBatch({ conversationId: conversation_id, kind, only: seq, batch: 1 }, payment, []);
        });
        paid = taken.length;
      }
      if (taken.length < batch && paid === taken.length) return;
    }
  }

  /**
   * Like `pay`, for an effect that takes work to find out: rows are read, their effects prepared with no transaction open, and then the rows taken that are still as they were read, and written.
   * Runs that overlap may prepare the same rows; the effect is there once. What failed before is tried alone, so that it fails for nobody else.
   * @throws as `pay` does
   */
  async payPrepared<Prepared>(
    { conversationId, kind, signal, batch = BATCH }: Owed,
    payment: PreparedPayment<Prepared>,
  ): Promise<void> {
    const until = Date.now() + PAY_FOR_MS;
    while (!signal.aborted && Date.now() < until) {
      const read = await this.read(conversationId, kind, batch);
      const rows = read.filter((row) => !this.prepared.has(keyOf(row)));
      const [first] = rows;
      if (!first) return;
      const retried = rows.findIndex(({ attempts }) => attempts > 0);
      const chosen = rows.slice(0, retried === 0 ? 1 : retried < 0 ? batch : retried);
      const payAlone = async (row: DebtRow): Promise<void> => void (await this.payChosen([row], signal, payment));
      let paid = chosen.length;
      try {
        if (chosen.length === 1) await this.oneByOne(kind, signal, chosen, payAlone);
        else paid = await this.payChosen(chosen, signal, payment);
      } catch (error) {
        if (chosen.length === 1) throw error;
        // (What it was is told of the rows that fail alone.)
        await this.oneByOne(kind, signal, chosen, payAlone);
      }
      if (rows.length < batch && paid === rows.length) return;
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
      const paid = (await payment(sql, taken.map(debtOf))) ?? taken.length;
      await sql.query(SETTLE, [taken.slice(0, paid).map(({ place }) => place)]);
      return paid;
    });
  }

  /** What is owed, without taking it: a batch besides those that this process is preparing already. */
  private read(conversationId: string | null, kind: DebtKind, batch: number): Promise<DebtRow[]> {
    const limit = batch + this.prepared.size;
    return conversationId === null
      ? this.postgres.query<DebtRow>(READ_ANY, [kind, limit])
      : this.postgres.query<DebtRow>(READ, [conversationId, kind, null, limit]);
  }

  /** @returns how many of these rows were prepared, from the first on; they are paid, by this run or by whoever changed or holds them */
  private async payChosen<Prepared>(
    rows: readonly DebtRow[],
    signal: AbortSignal,
    { prepare, write }: PreparedPayment<Prepared>,
  ): Promise<number> {
    const keys = rows.map(keyOf);
    keys.forEach((key) => this.prepared.add(key));
    try {
      const prepared = await withDeadline(PREPARE_WITHIN_MS, signal, (ending) => prepare(rows.map(debtOf), ending));
      await this.postgres.transaction(async (sql) => {
        const places = rows.slice(0, prepared.length).map(({ place }) => place);
        const taken = await sql.query<Pick<DebtRow, 'place' | 'version'>>(TAKE_READ, [places]);
        const versions = new Map(taken.map(({ place, version }) => [place, version]));
        const paid = prepared.flatMap((one, n) => {
          const row = rows[n];
          return row && versions.get(row.place) === row.version
            ? [{ debt: debtOf(row), prepared: one, place: row.place }]
            : [];
        });
        if (paid.length === 0) return;
        await write(sql, paid);
        await sql.query(SETTLE, [paid.map(({ place }) => place)]);
      });
      return prepared.length;
    } finally {
      keys.forEach((key) => this.prepared.delete(key));
    }
  }

  /** Tries rows alone that failed together. What fails again is put off; what there is no time left for, too: it may be why. */
  private async oneByOne(
    kind: DebtKind,
    signal: AbortSignal,
    rows: readonly DebtRow[],
    payOne: (row: DebtRow) => Promise<void>,
  ): Promise<void> {
    for (const [n, row] of rows.entries()) {
      if (signal.aborted) return this.putOff(kind, rows.slice(n), LONGEST_PAUSE_S.failure);
      try {
        await payOne(row);
      } catch (error) {
        const isOutage = error instanceof Unavailable;
        await this.putOff(kind, [row], isOutage ? LONGEST_PAUSE_S.outage : LONGEST_PAUSE_S.failure);
        if (isOutage) throw error;
        const { conversation_id: conversationId, seq } = row;
        this.log.error('a debt could not be paid and is put off', { conversationId, kind, seq, error });
      }
    }
  }

  /** Has rows wait for a pause that doubles with each attempt. With PostgreSQL away they stay as they are, which is right as well. */
  private async putOff(kind: DebtKind, rows: readonly DebtRow[], longestPauseS: number): Promise<void> {
    const ids = rows.map((row) => row.conversation_id);
    const seqs = rows.map(({ seq }) => seq);
    await this.postgres.query(PUT_OFF, [ids, kind, seqs, longestPauseS]).catch(() => undefined);
  }
}

const debtOf = ({ conversation_id, seq, content }: DebtRow): Debt => ({
  conversationId: conversation_id,
  seq,
  content,
});
const keyOf = ({ place, version }: DebtRow): string => `${place}${version}`;
