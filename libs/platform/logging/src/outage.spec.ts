import { Outage } from './outage.js';

describe('an outage', () => {
  const lines: [string, unknown][] = [];
  const note = (message: string, fields?: unknown): void => void lines.push([message, fields]);
  const outage = new Outage({ warn: note, info: note }, { begins: 'it is away', isOver: 'it is back' });
  const error = new Error('no connection');

  it('is told when it begins and when it is over, with how many calls it failed, and again when it comes again', async () => {
    for (const work of [
      Promise.resolve(),
      Promise.reject(error),
      Promise.reject(error),
      Promise.resolve(),
      Promise.resolve(),
      Promise.reject(error),
    ])
      await outage.watch(work);

    expect(lines).toEqual([
      ['it is away', { error }],
      ['it is back', { failed: 2 }],
      ['it is away', { error }],
    ]);
  });

  it('is not thrown', async () => {
    expect(await outage.watch(Promise.reject(error))).toBe(false);
    expect(await outage.watch(Promise.resolve())).toBe(true);
  });
});
