import { deadlineIn, instant, pause, repeat } from './clock.js';

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
    const loop = repeat(1, async () => {
      runs += 1;
      if (runs === 1) throw new Error('first');
    }, (error) => errors.push(error));
    while (runs < 3) await pause(1);

    await loop.stop();
    const atStop = runs;
    await pause(20);

    expect(runs).toBe(atStop);
    expect(errors).toHaveLength(1);
  });

  it('keeps a deadline that only AbortSignal.any holds', async () => {
    const signal = AbortSignal.any([deadlineIn(20), new AbortController().signal]);

    await new Promise((resolve) => signal.addEventListener('abort', resolve));

    expect(signal.aborted).toBe(true);
  });
});
