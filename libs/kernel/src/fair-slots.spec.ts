import { FairSlots, type FairSlotsOptions } from './fair-slots.js';

/** Slots whose work is named and ends when it is told to. */
function someSlots(options: Partial<FairSlotsOptions> & { readonly capacity: number }) {
  const slots = new FairSlots<string>({ waitingMax: 100, refuse: () => new Error('full'), ...options });
  const ends = new Map<string, () => void>();
  const begun: string[] = [];
  const run = (key: string, name: string, weight = 1): Promise<void> => {
    const running = slots.run(key, weight, () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
    running.catch(() => undefined);
    return running;
  };
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await turn();
  };
  return { slots, run, begun, end };
}
/** To hold a slot of one for so long is more than little. */
const HEAVY_MS = 200;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('fair slots', () => {
  it('let in whose key has the least running, not who came first', async () => {
    const { run, begun, end } = someSlots({ capacity: 2 });
    for (const name of ['a1', 'a2', 'a3', 'a4']) void run('a', name);
    void run('b', 'b1');
    await turn();
    expect(begun).toEqual(['a1', 'a2']);

    await end('a1');
    expect(begun).toEqual(['a1', 'a2', 'b1']);
    await end('a2');
    expect(begun).toEqual(['a1', 'a2', 'b1', 'a3']);
  });

  it('let keys with as much running take turns, however much the first of them wants', async () => {
    const { run, begun, end } = someSlots({ capacity: 1 });
    for (const name of ['a1', 'a2', 'a3']) void run('a', name);
    for (const name of ['b1', 'b2']) void run('b', name);
    void run('c', 'c1');
    await turn();

    for (const name of ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']) {
      expect(begun.at(-1)).toBe(name);
      await end(name);
    }
  });

  it('tell what a key has', async () => {
    const { slots, run, end } = someSlots({ capacity: 3 });
    void run('a', 'a1', 2);
    void run('a', 'a2', 2);
    await turn();
    expect([slots.loadOf('a'), slots.loadOf('b')]).toEqual([
      { running: 2, waiting: 1 },
      { running: 0, waiting: 0 },
    ]);
    await end('a1');
    await end('a2');
    expect(slots.loadOf('a')).toEqual({ running: 0, waiting: 0 });
  });

  it('keep a part for keys that run nothing', async () => {
    const { run, begun } = someSlots({ capacity: 4, reserved: 2 });
    for (const name of ['a1', 'a2', 'a3']) void run('a', name);
    void run('b', 'b1');
    void run('c', 'c1');
    await turn();
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1']);
  });

  it('let in who used less of late, though somebody else came first', async () => {
    const { run, begun, end } = someSlots({ capacity: 1 });
    void run('a', 'a1');
    await pause(HEAVY_MS);
    await end('a1');
    void run('c', 'c1');
    void run('a', 'a2');
    void run('b', 'b1');
    await turn();
    await end('c1');
    expect(begun).toEqual(['a1', 'c1', 'b1']);
    await end('b1');
    expect(begun.at(-1)).toBe('a2');
  });

  it('keep a part for light work of keys that used little, also while what is heavy waits for room', async () => {
    const { run, begun, end } = someSlots({ capacity: 4, reserved: 1, reservedForUseUpTo: 0.01 });
    void run('a', 'a1');
    await pause(HEAVY_MS);
    await end('a1');
    void run('b', 'b1', 3);
    void run('a', 'a2');
    void run('c', 'c1', 2);
    void run('d', 'd1');
    void run('d', 'd2');
    await turn();
    expect(begun).toEqual(['a1', 'b1', 'd1']);
    await end('b1');
    expect(begun.slice(3).sort()).toEqual(['a2', 'c1']);
  });

  it('let light work into the reserved part at once, also where the open one has room that somebody before it waits for', async () => {
    const { run, begun } = someSlots({ capacity: 4, reserved: 1, reservedForUseUpTo: 0.01 });
    void run('a', 'a1', 2);
    void run('b', 'b1', 2);
    await turn();
    void run('c', 'c1', 1);
    void run('d', 'd1', 1);
    await turn();
    // b waits for room, c has the reserved part, and d stands behind b.
    expect(begun).toEqual(['a1', 'c1']);
  });

  it('let one key run no more than its share, but always one piece of work', async () => {
    const { run, begun, end } = someSlots({ capacity: 100, perKey: 2 });
    void run('a', 'a1', 50);
    void run('a', 'a2');
    void run('b', 'b1');
    void run('b', 'b2');
    void run('b', 'b3');
    await turn();
    expect(begun).toEqual(['a1', 'b1', 'b2']);
    await end('a1');
    expect(begun).toEqual(['a1', 'b1', 'b2', 'a2']);
  });

  it('never run more than the capacity, and what weighs more than that by itself', async () => {
    const { slots, run, begun, end } = someSlots({ capacity: 10 });
    void run('a', 'a1', 6);
    void run('b', 'b1', 99);
    void run('c', 'c1', 1);
    await turn();
    // Who is next waits for room; nobody smaller slips by, or the heavy one would wait for ever.
    expect(begun).toEqual(['a1']);
    await end('a1');
    expect([begun, slots.runningWeight]).toEqual([['a1', 'b1'], 10]);
    await end('b1');
    expect([begun, slots.runningWeight]).toEqual([['a1', 'b1', 'c1'], 1]);
    await end('c1');
    expect(slots.isIdle).toBe(true);
  });

  it('refuse who comes when too many wait, of all or of the key', async () => {
    const { run } = someSlots({ capacity: 1, waitingMax: 2, waitingMaxPerKey: 1 });
    void run('a', 'a1');
    void run('a', 'a2');
    await expect(run('a', 'a3')).rejects.toThrow('full');
    void run('b', 'b1');
    await expect(run('c', 'c1')).rejects.toThrow('full');
  });

  it('refuse who waited too long, and leave nothing behind', async () => {
    const { slots, run, begun, end } = someSlots({ capacity: 1, waitMs: 20 });
    void run('a', 'a1');
    await expect(run('a', 'a2')).rejects.toThrow('full');
    await end('a1');
    expect(begun).toEqual(['a1']);
    expect(slots.isIdle).toBe(true);
  });

  it('refuse everybody when nobody may', async () => {
    await expect(someSlots({ capacity: 0 }).run('a', 'a1')).rejects.toThrow('full');
    await expect(someSlots({ capacity: 5, perKey: 0 }).run('a', 'a1')).rejects.toThrow('full');
  });

  it('go on after work that failed', async () => {
    const slots = new FairSlots<string>({ capacity: 1, waitingMax: 1, refuse: () => new Error('full') });
    await expect(slots.run('a', 1, () => Promise.reject(new Error('own')))).rejects.toThrow('own');
    expect(await slots.run('a', 1, () => Promise.resolve(7))).toBe(7);
  });
});
