import { jest } from '@jest/globals';
import { Breaker } from './breaker.js';

const outage = new Error('away');
const isOutage = (error: unknown): boolean => error === outage;
const fail = (): Promise<never> => Promise.reject(outage);

describe('a breaker', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('skips a store that failed, and lets one call through after each interval', async () => {
    const breaker = new Breaker(1_000);
    const work = jest.fn(fail);
    await expect(breaker.run(work, isOutage)).rejects.toBe(outage);

    await expect(breaker.run(work, isOutage)).rejects.toBe(outage);
    expect(work).toHaveBeenCalledTimes(1);

    jest.setSystemTime(1_000);
    await Promise.allSettled([breaker.run(work, isOutage), breaker.run(work, isOutage)]);
    expect(work).toHaveBeenCalledTimes(2);
  });

  it('stays as it is for an error that says nothing about the store', async () => {
    const breaker = new Breaker(1_000);
    await expect(breaker.run(fail, isOutage)).rejects.toBe(outage);
    jest.setSystemTime(1_000);

    await expect(
      breaker.run(
        () => Promise.reject(new Error('too busy to ask')),
        () => null,
      ),
    ).rejects.toThrow('too busy to ask');

    expect(breaker.isOpen).toBe(true);
  });

  it('closes at the first call that gets an answer, be it an error of the call itself', async () => {
    const breaker = new Breaker(1_000);
    await expect(breaker.run(fail, isOutage)).rejects.toBe(outage);
    jest.setSystemTime(1_000);

    await expect(breaker.run(() => Promise.reject(new Error('constraint')), isOutage)).rejects.toThrow('constraint');

    expect(breaker.isOpen).toBe(false);
    expect(await breaker.run(() => Promise.resolve('through'), isOutage)).toBe('through');
  });
});
