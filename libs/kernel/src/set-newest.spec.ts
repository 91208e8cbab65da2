import { setNewest } from './set-newest.js';

describe('a bounded map', () => {
  it('keeps what was set last, and forgets what was set longest ago', () => {
    const map = new Map<string, number>();
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['c', 4],
    ] as const)
      setNewest(map, key, value, 2);
    expect([...map]).toEqual([
      ['a', 3],
      ['c', 4],
    ]);
  });
});
