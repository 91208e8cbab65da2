import { Slots } from './slots.js';

/** Work that ends when it is told to. */
function someWork() {
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const work = (n: number) => (): Promise<number> => {
    begun.push(n);
    return new Promise((resolve) => ends.push(() => resolve(n)));
  };
  return { work, begun, endFirst: () => ends.shift()?.() };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('slots', () => {
  it('let so many run at once, and the others in the order they came', async () => {
    const slots = new Slots({ atOnce: 2, waitingMax: 10, refuse: () => new Error('full') });
    const { work, begun, endFirst } = someWork();
    const all = [1, 2, 3, 4].map((n) => slots.run(work(n)));
    await turn();
    expect(begun).toEqual([1, 2]);

    endFirst();
    await turn();
    expect(begun).toEqual([1, 2, 3]);
    for (let i = 0; i < 3; i += 1) {
      endFirst();
      await turn();
    }

    expect(await Promise.all(all)).toEqual([1, 2, 3, 4]);
    expect(slots.isIdle).toBe(true);
  });

  it('refuse at once who comes when too many wait', async () => {
    const slots = new Slots({ atOnce: 1, waitingMax: 1, refuse: () => new Error('full') });
    const { work, endFirst } = someWork();
    const all = [slots.run(work(1)), slots.run(work(2))];

    await expect(slots.run(work(3))).rejects.toThrow('full');
    endFirst();
    await turn();
    endFirst();
    await Promise.all(all);
  });

  it('are given back by work that fails', async () => {
    const slots = new Slots({ atOnce: 1, waitingMax: 0, refuse: () => new Error('full') });

    await expect(slots.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');

    expect(await slots.run(() => Promise.resolve('next'))).toBe('next');
  });
});
