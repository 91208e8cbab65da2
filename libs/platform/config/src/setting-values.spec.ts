import { loadConfig } from './config.js';

describe('a limit', () => {
  it.each([
    ['0', 0],
    ['7', 7],
    ['unlimited', Number.POSITIVE_INFINITY],
  ])('of %s lets through %d', (value, most) => {
    expect(loadConfig({ TEXT_MB_PER_DAY: value }, 'api').textMbPerDay).toBe(most);
  });
});
