import { pageWith } from './page.mjs';
import { plotOf, roundUp } from './plot.mjs';
import { byGroup, selfTimes } from './profile.mjs';
import { goalsOf, lineOf } from './results.mjs';
import { figure, markdownTable, plainTable, scenarioTable, spreadText } from './table.mjs';

const run = (perSecond: number, app = 100): object => ({
  perSecond,
  p50Ms: 2,
  p99Ms: 9,
  cpuUs: { app, worker: 0, postgres: 50, mongo: 30, redis: 5 },
  delay: { p99Ms: 3 },
  backlog: 10,
  drainedS: 1.5,
});
const measured = (id: string, product: number[], floor: number[], failures: object = {}): ReturnType<typeof lineOf> =>
  lineOf(
    { id, title: `title of ${id}`, connections: 8 },
    { runs: { product: product.map((rate) => run(rate, 150)), floor: floor.map((rate) => run(rate)) }, failures },
  );

const machine = {
  cpu: '2 × slow',
  memoryGiB: 8,
  system: 'Linux',
  node: 'v20',
  commit: 'abc',
  engines: ['PostgreSQL 16', 'MongoDB 7', 'Redis 7'],
};
const resultsOf = (lines: ReturnType<typeof lineOf>[], special: Record<string, object> = {}): object => {
  const part = { lines, special };
  return {
    at: '2026-11-24T08:00:00.000Z',
    machine,
    options: { rounds: 3, seconds: 5 },
    titles: {},
    ...part,
    goals: goalsOf(part),
  };
};

describe('a line of the results', () => {
  it('has the medians of both, and the ratio of each pair', () => {
    const line = measured('send', [80, 90, 100], [100, 100, 100]);
    expect(line).toMatchObject({
      product: { perSecond: { median: 90, lowest: 80, highest: 100 }, cpuUs: { app: 150 } },
      ratio: { median: 0.9 },
      cpuRatio: { median: 1.5 },
    });
  });

  it('has no ratio when one of them did something wrong', () => {
    const line = measured('send', [80], [100], { product: 'lost a message' });
    expect(line).not.toHaveProperty('ratio');
    expect(plainTable(scenarioTable([line]))).toContain('does not count: lost a message');
  });

  it('can be shown when one of them never came through a round', () => {
    expect(plainTable(scenarioTable([measured('send', [], [100], { product: 'fails at once' })]))).toContain(
      'fails at once',
    );
  });
});

describe('what was to be reached', () => {
  const goal = (lines: ReturnType<typeof lineOf>[], what: RegExp, special = {}): unknown =>
    goalsOf({ lines, special }).find((one) => what.test(one.what));

  it('is reached at the border itself, and not below', () => {
    expect(goal([measured('inbox-10', [80], [100])], /inbox-10: part/)).toMatchObject({ value: 0.8, isReached: true });
    expect(goal([measured('inbox-10', [79], [100])], /inbox-10: part/)).toMatchObject({ isReached: false });
  });

  it('is not reached by what does not count', () => {
    expect(goal([measured('send', [99], [100], { product: 'lost a message' })], /send: part/)).toMatchObject({
      isReached: false,
    });
  });

  it('asks nothing of what was not measured', () => expect(goalsOf({ lines: [], special: {} })).toEqual([]));

  it('compares the cost at the large size with that at the small', () => {
    expect(
      goal(
        [measured('page-100-newest', [1], [1]), measured('page-100000-newest', [1], [1])],
        /page-100000-newest to page-100-newest/,
      ),
    ).toMatchObject({ value: 1, isReached: true });
  });
});

describe('figures', () => {
  it.each([
    [0.8765, '0.88'],
    [12.34, '12.3'],
    [1_234.5, '1,235'],
    [0, '0'],
    [undefined, '–'],
    [Infinity, '–'],
  ])('%p reads %p', (value, text) => expect(figure(value)).toBe(text));

  it('show their spread', () => expect(spreadText({ median: 2, lowest: 1, highest: 3 })).toBe('2 (1–3)'));

  it('cannot break a table of the page', () => {
    expect(markdownTable({ head: ['a', 'b', 'c'], rows: [['x|y', 'z']] }).split('\n')).toEqual([
      '| a | b | c |',
      '| --- | --- | ---: |',
      '| x\\|y | z |  |',
    ]);
  });
});

describe('the plot', () => {
  it('draws each kind over its sizes, in order, and leaves out what does not count', () => {
    const svg = plotOf([
      measured('page-1000-newest', [50], [60]),
      measured('page-100-newest', [80], [90]),
      measured('send-100', [5], [6], { product: 'x' }),
    ]);
    expect(svg.match(/<polyline/g)).toHaveLength(2 * 3);
    expect(svg.match(/<polyline[^>]* points="[^ "]+ [^ "]+"/g)).toHaveLength(2 * 2);
    expect(svg.trimEnd().endsWith('</svg>')).toBe(true);
    expect(svg).not.toContain('NaN');
  });

  it('can be drawn of nothing', () => expect(plotOf([])).not.toContain('NaN'));

  it.each([
    [0.3, 0.5],
    [1, 1],
    [7, 10],
    [120, 200],
    [1_999, 2_000],
    [0, 1],
  ])('ends its axis of %p at %p', (value, end) => expect(roundUp(value)).toBeCloseTo(end));
});

describe('the page', () => {
  it('keeps what people wrote around the figures', () => {
    const first = pageWith(null, resultsOf([measured('send', [80], [100])]));
    const written = `${first}\n## What was changed\n\nBy hand.\n`;
    const second = pageWith(written, resultsOf([measured('login', [1], [1])]));
    expect(second).toContain('title of login');
    expect(second).not.toContain('title of send');
    expect(second).toContain('## What was changed\n\nBy hand.\n');
    expect(pageWith(second, resultsOf([measured('login', [1], [1])]))).toBe(second);
  });

  it('shows what was measured otherwise, and what of it does not count', () => {
    const page = pageWith(
      null,
      resultsOf([], { rest: { api: { startMs: 900, residentMiB: 120 } }, overload: { failure: 'no' } }),
    );
    expect(page).toContain('startMs 900, residentMiB 120');
    expect(page).toContain('does not count: no');
  });
});

describe('a profile', () => {
  const node = (id: number, functionName: string, url: string, children: number[] = []): object => ({
    id,
    callFrame: { functionName, url, lineNumber: 4 },
    children,
  });
  const nodes = [
    node(1, '(root)', '', [2, 3, 5]),
    node(2, 'parse', 'file:///x/node_modules/pg/lib/client.js'),
    node(3, 'post', 'node:inspector', [4]),
    node(4, 'dispatch', ''),
    node(5, '(idle)', ''),
  ];

  it('counts the time of each function, without idling and without the profiler', () => {
    const times = selfTimes({ nodes, samples: [2, 2, 4, 5], timeDeltas: [10, 20, 400, 800] });
    expect(times).toEqual([{ where: 'parse pg/lib/client.js:5', group: 'pg', us: 30 }]);
    expect(byGroup(times)).toEqual([{ where: 'pg', us: 30 }]);
  });
});
