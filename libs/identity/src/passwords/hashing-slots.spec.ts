import { jest } from '@jest/globals';
import { Unavailable } from '@edgechat/kernel';
import { WAITING_MAX, type Purpose } from '../domain/hashing-order.js';
import { HashingSlots, WAIT_MAX_MS } from './hashing-slots.js';

/** Slots whose work is named and ends when it is told to. */
function someSlots() {
  const slots = new HashingSlots();
  const ends: Array<() => void> = [];
  const begun: string[] = [];
  const outcomes = new Map<string, 'done' | 'refused'>();
  const ask = (purpose: Purpose, addressKey: string, called: string, name = called): Promise<void> => {
    const work = (): Promise<void> => new Promise((end) => (begun.push(called), ends.push(end)));
    return slots.run({ purpose, addressKey, name }, work).then(
      () => void outcomes.set(called, 'done'),
      (error: unknown) => void outcomes.set(called, error instanceof Unavailable ? 'refused' : 'done'),
    );
  };
  /** Ends what runs, until nothing is left. */
  const drain = async (): Promise<void> => {
    for (; ends.length > 0; await settle()) ends.splice(0).forEach((end) => end());
  };
  const refused = (): string[] => [...outcomes].filter(([, how]) => how === 'refused').map(([called]) => called);
  return { slots, ask, begun, ends, drain, refused };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const flood = (count: number, ask: (n: number) => Promise<void>): Promise<void>[] =>
  Array.from({ length: count }, (_, n) => ask(n));

describe('the slots for hashing', () => {
  it('let two work at once, and the others in the order they came', async () => {
    const { ask, begun, ends, drain } = someSlots();
    for (const called of ['a', 'b', 'c', 'd']) void ask('login', 'here', called);
    await settle();
    expect(begun).toEqual(['a', 'b']);
    ends.splice(1, 1)[0]?.();
    await settle();
    expect(begun).toEqual(['a', 'b', 'c']);
    await drain();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are shared by address: the many of one do not come before the first of another', async () => {
    const { ask, begun, ends, drain } = someSlots();
    void flood(50, (n) => ask('login', 'here', `here ${n}`));
    void ask('login', 'there', 'there');
    await settle();
    ends.shift()?.();
    await settle();
    expect(begun).toEqual(['here 0', 'here 1', 'there']);
    await drain();
    expect(begun).toHaveLength(51);
  });

  it('take 202 at once, and refuse who comes from the same address when 200 wait', async () => {
    const { ask, begun, drain, refused } = someSlots();
    const all = flood(WAITING_MAX + 2, (n) => ask('login', 'here', `${n}`));
    await ask('login', 'here', 'one more');
    expect(refused()).toEqual(['one more']);
    await drain();
    await Promise.all(all);
    expect(begun).toHaveLength(202);
    void ask('login', 'here', 'later');
    await settle();
    expect(begun.at(-1)).toBe('later');
    await drain();
  });

  it('refuse nobody else because one address has 300 logins of unknown names waiting: a known login goes first, then another one, then a registration', async () => {
    const { ask, begun, drain, refused } = someSlots();
    const all = flood(300, (n) => ask('login', 'flood', `flood ${n}`));
    all.push(ask('registration', 'new', 'registration'), ask('login', 'elsewhere', 'other'));
    all.push(ask('known', 'home', 'known'), ask('known', 'flood', 'known at the address of the flood'));
    await settle();
    await drain();
    await Promise.all(all);

    expect(refused().every((called) => called.startsWith('flood'))).toBe(true);
    expect(refused()).toHaveLength(300 - 2 - (WAITING_MAX - 4));
    const bystanders = begun.filter((called) => !called.startsWith('flood'));
    expect(begun.slice(2, 5)).toEqual(expect.arrayContaining(['known', 'known at the address of the flood']));
    expect(bystanders).toHaveLength(4);
    expect(begun.slice(0, 10)).toEqual(expect.arrayContaining(bystanders));
  });

  it('let known people in while thousands of addresses ask', async () => {
    const { ask, drain, refused } = someSlots();
    const all = flood(2_000, (n) => ask('login', `address ${n}`, `stranger ${n}`));
    all.push(...flood(50, (n) => ask('known', `home ${n}`, `known ${n}`)));
    await settle();
    await drain();
    await Promise.all(all);
    expect(refused().filter((called) => called.startsWith('known'))).toEqual([]);
  });

  it('let registrations in while known logins never cease to come', async () => {
    const { ask, begun, ends, drain } = someSlots();
    const knownLogin = (n: number): void => void ask('known', `home ${n}`, `known ${n}`);
    for (let n = 0; n < 50; n += 1) knownLogin(n);
    void ask('registration', 'new', 'registration');
    await settle();
    for (let n = 50; n < 60; n += 1) {
      knownLogin(n);
      ends.shift()?.();
      await settle();
    }
    expect(begun).toContain('registration');
    await drain();
  });

  it('refuse who waited for 30 s', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] });
    try {
      const { ask, drain, refused } = someSlots();
      void flood(3, (n) => ask('registration', 'here', `${n}`));
      await jest.advanceTimersByTimeAsync(WAIT_MAX_MS);
      expect(refused()).toEqual(['2']);
      await drain();
    } finally {
      jest.useRealTimers();
    }
  });

  it('are given back after a failure', async () => {
    const slots = new HashingSlots();
    const request = { purpose: 'login', addressKey: 'here', name: 'ada' } as const;
    const fail = (): Promise<never> => Promise.reject(new Error('hash failed'));
    await Promise.allSettled([slots.run(request, fail), slots.run(request, fail), slots.run(request, fail)]);
    await expect(slots.run(request, async () => 'free')).resolves.toBe('free');
  });
});
