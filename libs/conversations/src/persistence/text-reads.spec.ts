import { Unavailable } from '@edgechat/kernel';
import type { Mongo } from '@edgechat/platform/mongo';
import { TextReads } from './text-reads.js';

const MIB = 1_048_576;
const PAGE = 12 * MIB;
const SMALL = 1_000;

const drains: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const drain of drains.splice(0)) await drain();
});

/** Reads that are under way until they are told to end, of a process that may hold so much. */
function someReads(megabytes: number) {
  const expected: number[] = [];
  const mongo = {
    run: (_: string, work: () => Promise<unknown>, { expectedBytes }: { expectedBytes: number }) => {
      expected.push(expectedBytes);
      return work();
    },
  } as unknown as Mongo;
  const reads = new TextReads(mongo, megabytes);
  const underWay: { reader: number; bytes: number; late: AbortSignal; end: (error?: Error) => void }[] = [];
  let refused = 0;
  const read = (reader: number, bytes: number): void => {
    const find = (late: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        const one = {
          reader,
          bytes,
          late,
          end: (error?: Error) => {
            underWay.splice(underWay.indexOf(one), 1);
            if (error) reject(error);
            else resolve();
          },
        };
        underWay.push(one);
      });
    reads
      .run('test', { reader, bytes }, find, () => Promise.resolve())
      .catch((error: unknown) => {
        if (error instanceof Unavailable) refused += 1;
      });
  };
  drains.push(async () => {
    while (underWay.length > 0) {
      [...underWay].forEach(({ end }) => end());
      await turn();
    }
  });
  return {
    read,
    underWay,
    expected,
    bytes: () => underWay.reduce((sum, one) => sum + one.bytes, 0),
    refused: () => refused,
  };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('reads of texts', () => {
  it('hold no more bytes at once than they may, and one reader leaves room for a stranger', async () => {
    const { read, underWay, bytes, refused } = someReads(32);
    for (let i = 0; i < 200; i += 1) read(1, PAGE);
    await turn();
    expect(bytes()).toBe(PAGE);
    expect(refused()).toBe(200 - 1 - 64);

    read(2, SMALL);
    await turn();
    expect(underWay.map(({ reader }) => reader)).toEqual([1, 2]);
  });

  it('of many readers take turns: a stranger waits for those that came before, not for all that they want', async () => {
    const { read, underWay, bytes } = someReads(32);
    for (const reader of [1, 2, 3]) for (let i = 0; i < 50; i += 1) read(reader, PAGE);
    read(4, SMALL);
    const begun: number[] = [];
    while (!begun.includes(4)) {
      await turn();
      expect(2 * bytes()).toBeLessThanOrEqual(32 * MIB);
      underWay.forEach(({ reader }) => begun.push(reader));
      [...underWay].forEach(({ end }) => end());
    }
    expect(begun.length).toBeLessThan(8);
  });

  it('that are small run 8 at once of one reader, 32 of many', async () => {
    const { read, underWay } = someReads(32);
    for (let i = 0; i < 50; i += 1) read(1, SMALL);
    await turn();
    expect(underWay).toHaveLength(8);
    for (let reader = 2; reader < 50; reader += 1) read(reader, SMALL);
    await turn();
    expect(underWay).toHaveLength(32);
  });

  it('that fail end there and then, so that nothing goes on that nobody waits for', async () => {
    const { read, underWay, expected } = someReads(32);
    read(1, PAGE);
    await turn();
    const [one] = underWay;
    expect(one?.late.aborted).toBe(false);

    one?.end(new Unavailable('mongo'));
    await turn();
    expect(one?.late.aborted).toBe(true);
    expect(expected).toEqual([PAGE]);
  });

  it.each([
    [0, 0],
    [Number.POSITIVE_INFINITY, 30],
    [1, 1],
  ])(
    'may be none, or without a limit; a read of more than all may run by itself: %d MiB',
    async (megabytes, running) => {
      const { read, underWay } = someReads(megabytes);
      for (let reader = 1; reader <= 30; reader += 1) read(reader, PAGE);
      await turn();
      expect(underWay).toHaveLength(running);
    },
  );
});
