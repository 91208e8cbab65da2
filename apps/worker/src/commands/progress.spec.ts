import { grouped, lineOf } from './progress.js';

describe('a line of progress', () => {
  it('has a bar, a part, a rate and the time that is left', () => {
    expect(lineOf({ done: 1_000, total: 4_000, unit: 'messages' }, 2_000)).toBe(
      '[#####---------------]  25 %  1,000 of 4,000 messages  500/s  0:06 left',
    );
  });

  it('says hours where it takes hours, and what else there is to say', () => {
    expect(lineOf({ done: 10, total: 100_000, unit: 'rows', note: 'inbox' }, 1_000)).toBe(
      '[--------------------]   0 %  10 of 100,000 rows  10/s  2:46:39 left  inbox',
    );
  });

  it('is not above 100 % when there is more to do than was thought, and full when there is nothing', () => {
    expect(lineOf({ done: 120, total: 100, unit: 'rows' }, 1_000)).toBe(
      '[####################] 100 %  100 of 100 rows  120/s  0:00 left',
    );
    expect(lineOf({ done: 0, total: 0, unit: 'rows' }, 0)).toBe('[####################] 100 %  0 of 0 rows  0/s');
  });

  it('only counts where nobody knows how much there is', () => {
    expect(lineOf({ done: 1_234_567, total: null, unit: 'messages written' }, 1_000_000)).toBe(
      '1,234,567 messages written  1,235/s',
    );
  });

  it('groups numbers the same way in every locale', () => {
    expect([0, 999, 1_000, 1_234_567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
  });
});
