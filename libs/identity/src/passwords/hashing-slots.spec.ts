import { Unavailable } from '@edgechat/kernel';
import { HashingSlots } from './hashing-slots.js';

describe('the slots for hashing', () => {
  it('let two work at once, and the others in the order they came', async () => {
    const slots = new HashingSlots();
    const ends: Array<() => void> = [];
    const begun: number[] = [];
    const all = [0, 1, 2, 3].map((n) =>
      slots.run('here', () => new Promise<void>((end) => (begun.push(n), ends.push(end)))),
    );

    await settle();
    expect(begun).toEqual([0, 1]);
    ends[1]?.();
    await settle();
    expect(begun).toEqual([0, 1, 2]);
    ends[0]?.();
    ends[2]?.();
    await settle();
    ends[3]?.();
    await Promise.all(all);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('are shared by address: the many of one do not come before the first of another', async () => {
    const slots = new HashingSlots();
    const ends: Array<() => void> = [];
    const begun: string[] = [];
    const hash = (from: string): Promise<void> =>
      slots.run(from, () => new Promise<void>((end) => (begun.push(from), ends.push(end))));
    const all = [...Array.from({ length: 50 }, () => hash('here')), hash('there')];

    await settle();
    ends[0]?.();
    await settle();
    expect(begun).toEqual(['here', 'here', 'there']);
    while (begun.length < all.length || ends.length > 0) {
      ends.splice(0).forEach((end) => end());
      await settle();
    }
    await Promise.all(all);
  });

  it('take 200 at once, and refuse who comes when 200 wait', async () => {
    const slots = new HashingSlots();
    let end = (): void => undefined;
    const held = new Promise<void>((resolve) => (end = resolve));
    const taken = Array.from({ length: 202 }, () => slots.run('here', () => held));

    await expect(slots.run('here', async () => undefined)).rejects.toThrow(Unavailable);
    end();
    await Promise.all(taken);
    await expect(slots.run('here', async () => 'free again')).resolves.toBe('free again');
  });

  it('are given back after a failure', async () => {
    const slots = new HashingSlots();
    const fail = (): Promise<never> => Promise.reject(new Error('hash failed'));
    await Promise.allSettled([slots.run('here', fail), slots.run('here', fail), slots.run('here', fail)]);
    await expect(slots.run('here', async () => 'free')).resolves.toBe('free');
  });
});

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
