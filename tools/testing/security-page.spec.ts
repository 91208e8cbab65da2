import { namedTests, read } from './named-tests.js';

const page = read('docs/security.md');
const levels = JSON.parse(read('tools/testing/asvs-5.0.json')) as Record<'1' | '2', string[]>;
const levelOf = new Map(Object.entries(levels).flatMap(([level, numbers]) => numbers.map((number) => [number, level])));

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The table of what applies: a row for each requirement. */
const rows = page
  .split('\n')
  .filter((line) => /^\| [0-9]+\.[0-9]+\.[0-9]+ +\| [12] /.test(line))
  .map(cellsOf);
/** Those that do not apply, with the reason. */
const leftOut = (page.split('### Does not apply')[1]?.split('### V1:')[0] ?? '')
  .split('\n')
  .map(cellsOf)
  .filter(([numbers = '']) => /^[0-9]/.test(numbers));

describe('the table of OWASP ASVS 5.0 in docs/security.md', () => {
  it('has each requirement of levels 1 and 2 once, as one that applies or with why it does not', () => {
    const named = [...rows.map(([number = '']) => number), ...leftOut.flatMap(([numbers = '']) => numbers.split(', '))];
    expect(levelOf.size).toBe(253);
    expect([...named].sort()).toEqual([...levelOf.keys()].sort());
  });

  it('gives each its level, and says met, partly or not met', () => {
    for (const [number = '', level, verdict] of rows) {
      expect([number, level]).toEqual([number, levelOf.get(number)]);
      expect(['met', 'partly', 'not met']).toContain(verdict);
    }
  });

  it('names for what is met a test, a file, a page, or why nothing is needed, and for the rest what is missing', () => {
    const bare = rows.filter(([, , , reason = '']) => reason.length < 15);
    expect(bare.map(([number]) => number)).toEqual(['6.4.2']);
    for (const [, reason = ''] of leftOut) expect(reason).toMatch(/\w+ \w+ \w+/);
  });

  it('rests on tests', () => {
    const tested = rows.filter(([, , verdict, reason = '']) => verdict === 'met' && namedTests(reason).length > 0);
    expect(tested.length).toBeGreaterThan(80);
  });
});

describe('docs/security.md', () => {
  it('names a test for each promise', () => {
    const promises = (page.split('## What is promised')[1]?.split('\n## ')[0] ?? '')
      .split('\n')
      .filter((line) => line.startsWith('| **'));
    expect(promises.length).toBeGreaterThan(5);
    for (const promise of promises) expect(namedTests(promise)).not.toEqual([]);
  });

  it('links to sections that are there', () => {
    const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
    expect(links).not.toEqual([]);
    expect(links.filter((anchor) => !headings.includes(anchor))).toEqual([]);
  });
});
