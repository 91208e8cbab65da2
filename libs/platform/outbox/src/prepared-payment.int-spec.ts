import type { INestApplicationContext } from '@nestjs/common';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import { Outbox } from './outbox.js';
import { OutboxModule } from './outbox.module.js';
import { aDebtor as debtorIn, owedBy } from './test-debtor.js';

let stores: OwnStores;
let process: INestApplicationContext;
let outbox: Outbox;

beforeAll(async () => {
  stores = await ownStores();
  process = await inProcess(stores, [OutboxModule]);
  outbox = process.get(Outbox, { strict: false });
});
afterAll(async () => {
  await process.close();
  await stores.close();
});

const aDebtor = (debts: number): Promise<string> => debtorIn(stores, debts);
const owed = (id: string): ReturnType<typeof owedBy> => owedBy(stores, id);

describe('guarantee 4, where the effect takes work to find out', () => {
  const { signal } = new AbortController();
  const one = (id: string) => ({ conversationId: id, kind: 'search', signal }) as const;
  const nothing = (): Promise<void> => Promise.resolve();

  it('holds no transaction open while it is prepared', async () => {
    const id = await aDebtor(3);
    let open = -1;

    await outbox.payPrepared(one(id), {
      prepare: async (debts) => {
        const [row] = await sql<{ open: string }>(
          stores.env.DATABASE_URL,
          `select count(*) as open from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'`,
        );
        open = Number(row?.open);
        return debts.map(({ seq }) => seq);
      },
      write: nothing,
    });

    expect(open).toBe(0);
    expect(await owed(id)).toEqual([]);
  });

  it('is there once each, by runs that overlap', async () => {
    const id = await aDebtor(300);
    const written: number[] = [];
    const pay = (): Promise<void> =>
      outbox.payPrepared(one(id), {
        prepare: async (debts) => debts.map(({ seq }) => seq),
        write: async (_, paid) => void written.push(...paid.map(({ prepared }) => prepared)),
      });

    await Promise.all([pay(), pay(), pay()]);

    expect(written.sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(await owed(id)).toEqual([]);
  });

  it('is written for no row that changed while it was prepared', async () => {
    const id = await aDebtor(2);
    const written: number[] = [];

    await outbox.payPrepared(one(id), {
      prepare: async (debts) => {
        await sql(
          stores.env.DATABASE_URL,
          `update edgechat.outbox set attempts = 1, next_at = clock_timestamp() + interval '1 hour' where conversation_id = $1 and seq = 1`,
          [id],
        );
        return debts.map(({ seq }) => seq);
      },
      write: async (_, paid) => void written.push(...paid.map(({ debt }) => debt.seq)),
    });

    expect(written).toEqual([2]);
    expect((await owed(id)).map(({ seq }) => seq)).toEqual([1]);
  });

  it('may be prepared for the first of a batch only', async () => {
    const id = await aDebtor(5);
    const sizes: number[] = [];

    await outbox.payPrepared(one(id), {
      prepare: async (debts) => debts.slice(0, 2),
      write: async (_, paid) => void sizes.push(paid.length),
    });

    expect(sizes).toEqual([2, 2, 1]);
    expect(await owed(id)).toEqual([]);
  });

  it('fails for one alone: the others are paid, it is put off, and then tried by itself', async () => {
    const id = await aDebtor(5);
    const tried: number[][] = [];
    const pay = (): Promise<void> =>
      outbox.payPrepared(one(id), {
        prepare: async (debts) => {
          tried.push(debts.map(({ seq }) => seq));
          if (debts.some(({ seq }) => seq === 3)) throw new Error('cannot be prepared');
          return debts;
        },
        write: nothing,
      });

    await pay();
    expect(await owed(id)).toEqual([{ seq: 3, attempts: 1, wait: expect.any(Number) as number }]);
    await sql(
      stores.env.DATABASE_URL,
      `insert into edgechat.outbox (conversation_id, seq, kind, next_at) select $1, n, 'search', clock_timestamp() from generate_series(6, 8) n`,
      [id],
    );
    await sql(stores.env.DATABASE_URL, `update edgechat.outbox set next_at = clock_timestamp() where seq = 3`);
    tried.length = 0;
    await pay();

    expect(tried).toEqual([[3], [6, 7, 8]]);
    expect((await owed(id)).map(({ seq, attempts }) => [seq, attempts])).toEqual([[3, 2]]);
  });

  it('is put off also when the time was over before it was found out, and so are those that had no time left', async () => {
    const id = await aDebtor(3);
    const ending = new AbortController();
    const paying = outbox.payPrepared(
      { conversationId: id, kind: 'search', signal: ending.signal },
      {
        prepare: (_, over) =>
          new Promise<readonly never[]>((_resolve, reject) => {
            over.addEventListener('abort', () => reject(new Error('over')), { once: true });
            setImmediate(() => ending.abort());
          }),
        write: nothing,
      },
    );
    await paying;

    expect((await owed(id)).map(({ seq, attempts }) => [seq, attempts])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it('is put off where the batch could not be paid in the time that a job has', async () => {
    const id = await aDebtor(3);
    const ending = new AbortController();

    await outbox.pay({ conversationId: id, kind: 'search', signal: ending.signal }, () => {
      ending.abort();
      return Promise.reject<number>(new Error('over'));
    });

    expect((await owed(id)).map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
  });
});
