import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { SLICE_CHARACTERS, SLICES, Slices, type Slice } from './slices.js';

async function slicesOf(work: (slices: Slices) => Promise<void>): Promise<Slice[]> {
  const seen: Slice[] = [];
  const onSlice = (slice: unknown): void => void seen.push(slice as Slice);
  subscribe(SLICES, onSlice);
  const slices = new Slices('test');
  await work(slices).finally(() => unsubscribe(SLICES, onSlice));
  return seen;
}

describe('long work', () => {
  it('gives up the event loop after so much input, however fast it was', async () => {
    const seen = await slicesOf(async (slices) => {
      for (let n = 0; n < 200; n += 1) if (slices.take(1_000)) await slices.next();
      slices.end();
    });
    expect(seen.reduce((sum, { characters }) => sum + characters, 0)).toBe(200_000);
    expect(Math.max(...seen.map(({ characters }) => characters))).toBeLessThan(SLICE_CHARACTERS + 1_000);
  });

  it('gives it up after its time, however little the input was', async () => {
    let turns = 0;
    await slicesOf(async (slices) => {
      for (let n = 0; n < 3; n += 1) {
        const until = performance.now() + 15;
        while (performance.now() < until);
        if (slices.take(1)) {
          turns += 1;
          await slices.next();
        }
      }
    });
    expect(turns).toBe(3);
  });

  it('is measured by the clock and by the processor', async () => {
    const [slice] = await slicesOf(async (slices) => {
      slices.begin();
      const until = performance.now() + 20;
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 200));
      slices.take(1);
      slices.end();
    });
    expect(slice?.ms).toBeGreaterThanOrEqual(215);
    expect(slice?.processorMs).toBeGreaterThan(0);
    expect(slice?.processorMs).toBeLessThan(slice?.ms ?? 0);
  });

  it('has one slice in a round of the event loop, whosever it is, and all of it goes on', async () => {
    let round = 0;
    const rounds: number[] = [];
    let isOver = false;
    const count = (): void => {
      round += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const work = async (): Promise<void> => {
      const slices = new Slices('test');
      for (let n = 0; n < 5; n += 1) {
        await slices.next();
        rounds.push(round);
      }
    };
    await Promise.all([work(), work(), work()]);
    isOver = true;
    expect(rounds).toHaveLength(15);
    expect(new Set(rounds).size).toBe(15);
  });

  it('ends when it is told to', async () => {
    const ending = new AbortController();
    ending.abort(new Error('over'));
    await expect(new Slices('test', ending.signal).next()).rejects.toThrow('over');
  });
});
