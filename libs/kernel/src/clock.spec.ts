import { atMost, instant, pause, repeat, withDeadline } from './clock.js';

describe('the clock', () => {
  it('shows instants in UTC with milliseconds', () => {
    expect(instant(new Date(0))).toBe('1970-01-01T00:00:00.000Z');
  });

  it('ends a pause early when told, and at once when told before', async () => {
    const ending = new AbortController();
    const pausing = pause(60_000, ending.signal);
    ending.abort();

    await pausing;
    await pause(60_000, ending.signal);
  });

  it('repeats until stopped, over errors, and waits for the run under way', async () => {
    const errors: unknown[] = [];
    let runs = 0;
    const loop = repeat(
      1,
      async () => {
        runs += 1;
        if (runs === 1) throw new Error('first');
      },
      (error) => errors.push(error),
    );
    while (runs < 3) await pause(1);

    await loop.stop();
    const atStop = runs;
    await pause(20);

    expect(runs).toBe(atStop);
    expect(errors).toHaveLength(1);
  });

  it('waits for work, but not for ever', async () => {
    expect(await atMost(1_000, Promise.resolve(5))).toEqual({ isLate: false, value: 5 });
    expect(await atMost(5, new Promise(() => undefined))).toEqual({ isLate: true });
    await expect(atMost(1_000, Promise.reject(new Error('failed in time')))).rejects.toThrow('failed in time');
  });

  it('ends work at its deadline, or with what is around it, and gives back what it made', async () => {
    const untilAborted = (signal: AbortSignal): Promise<string> =>
      new Promise((resolve) =>
        signal.aborted ? resolve('ended') : signal.addEventListener('abort', () => resolve('ended')),
      );
    const outer = new AbortController();

    expect(await withDeadline(10, outer.signal, untilAborted)).toBe('ended');
    expect(await withDeadline(60_000, outer.signal, () => Promise.resolve('done'))).toBe('done');
    const running = withDeadline(60_000, outer.signal, untilAborted);
    outer.abort();

    expect(await running).toBe('ended');
    expect(await withDeadline(60_000, outer.signal, untilAborted)).toBe('ended');
  });
});
