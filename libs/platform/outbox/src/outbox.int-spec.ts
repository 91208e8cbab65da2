import type { INestApplicationContext } from '@nestjs/common';
import { Unavailable } from '@edgechat/kernel';
import { inProcess, ownStores, sql, type OwnStores } from '@edgechat/testing';
import { Outbox } from './outbox.js';
import { OutboxModule } from './outbox.module.js';
import { aDebtor as debtorIn, owedBy } from './test-debtor.js';

let stores: OwnStores;
let process: INestApplicationContext;
let outbox: Outbox;
const { signal } = new AbortController();

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

describe('guarantee 4: what is owed is paid', () => {
  it('in batches, until one is not full', async () => {
    const id = await aDebtor(250);
    const sizes: number[] = [];

    await outbox.pay({ conversationId: id, kind: 'search', signal }, async (_, debts) => void sizes.push(debts.length));

    expect(sizes).toEqual([100, 100, 50]);
    expect(await owed(id)).toEqual([]);
  });

  it('also where a payment pays only the first of a batch', async () => {
    const id = await aDebtor(5);
    const batches: number[][] = [];

    await outbox.pay({ conversationId: id, kind: 'search', signal }, async (_, debts) => {
      batches.push(debts.map(({ seq }) => seq));
      return 2;
    });

    expect(batches).toEqual([[1, 2, 3, 4, 5], [3, 4, 5], [5]]);
    expect(await owed(id)).toEqual([]);
  });

  it.each([
    ['by the same run where its batches are full', 1, 2],
    ['by the run that its ring begins where they are not', 2, 1],
  ])('also what comes to be owed while a run pays, %s', async (_, batch, runsOfFirst) => {
    const id = await aDebtor(1);
    let runs = 0;
    const pay = (): Promise<void> =>
      outbox.pay({ conversationId: id, kind: 'search', signal, batch }, async () => {
        runs += 1;
        if (runs === 1)
          await sql(
            stores.env.DATABASE_URL,
            `insert into edgechat.outbox (conversation_id, seq, kind, next_at) values ($1, 2, 'search', clock_timestamp())`,
            [id],
          );
      });

    await pay();
    expect(runs).toBe(runsOfFirst);
    await pay();

    expect(runs).toBe(2);
    expect(await owed(id)).toEqual([]);
  });

  it('once each, by runs that overlap', async () => {
    const id = await aDebtor(300);
    const paid: number[] = [];
    const pay = (): Promise<void> =>
      outbox.pay(
        { conversationId: id, kind: 'search', signal },
        async (_, debts) => void paid.push(...debts.map(({ seq }) => seq)),
      );

    await Promise.all([pay(), pay(), pay()]);

    expect(paid.sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  });

  it('except for one that cannot be, which is put off and holds up nobody', async () => {
    const id = await aDebtor(5);
    const paid: number[] = [];

    await outbox.pay({ conversationId: id, kind: 'search', signal }, async (_, debts) => {
      if (debts.some(({ seq }) => seq === 3)) throw new Error('cannot be paid');
      paid.push(...debts.map(({ seq }) => seq));
    });

    expect(paid).toEqual([1, 2, 4, 5]);
    expect(await owed(id)).toEqual([{ seq: 3, attempts: 1, wait: expect.any(Number) as number }]);
    await outbox.pay({ conversationId: id, kind: 'search', signal }, () =>
      Promise.reject<number>(new Error('is not tried before its time')),
    );
    expect((await owed(id))[0]?.attempts).toBe(1);
  });

  it('with pauses that grow to an hour and no further', async () => {
    const id = await aDebtor(1);
    const waits: number[] = [];
    for (let i = 0; i < 16; i += 1) {
      await sql(
        stores.env.DATABASE_URL,
        `update edgechat.outbox set next_at = clock_timestamp() where conversation_id = $1`,
        [id],
      );
      await outbox.pay({ conversationId: id, kind: 'search', signal }, () =>
        Promise.reject<number>(new Error('never')),
      );
      waits.push(Math.round((await owed(id))[0]?.wait ?? 0));
    }

    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8]);
    expect(waits.slice(-3)).toEqual([3_600, 3_600, 3_600]);
  });

  it('soon again when a store was away: the pause grows to ten seconds and no further, and only the first row had to try', async () => {
    const id = await aDebtor(2);
    for (let i = 0; i < 8; i += 1) {
      await sql(
        stores.env.DATABASE_URL,
        `update edgechat.outbox set next_at = clock_timestamp() where conversation_id = $1`,
        [id],
      );
      await expect(
        outbox.pay({ conversationId: id, kind: 'search', signal }, () =>
          Promise.reject<number>(new Unavailable('mongo')),
        ),
      ).rejects.toThrow(Unavailable);
    }

    const [first, second] = await owed(id);
    expect([first?.attempts, second?.attempts]).toEqual([8, 0]);
    expect(first?.wait).toBeLessThanOrEqual(10);
  });

  it('except for one that takes longer than a transaction may, which does not hold up the others', async () => {
    const id = await aDebtor(3);
    const paid: number[] = [];
    const pay = (): Promise<void> =>
      outbox.pay({ conversationId: id, kind: 'search', signal }, async (_, debts) => {
        if (debts.some(({ seq }) => seq === 2)) throw new Unavailable('postgres');
        paid.push(...debts.map(({ seq }) => seq));
      });

    await expect(pay()).rejects.toThrow(Unavailable);
    await pay();

    expect(paid).toEqual([1, 3]);
  });

  it('together with its effect: neither is there without the other', async () => {
    const id = await aDebtor(1);
    const effect = { name: 'test.effect', text: `insert into edgechat.secrets (name, value) values ($1, '')` };

    await outbox.pay({ conversationId: id, kind: 'search', signal }, async (own) => {
      await own.query(effect, [id]);
      throw new Error('after the effect');
    });

    expect(await sql(stores.env.DATABASE_URL, 'select 1 from edgechat.secrets where name = $1', [id])).toEqual([]);
    expect(await owed(id)).toHaveLength(1);
  });
});
