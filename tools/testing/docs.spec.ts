import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { whatToTry } from '../local-stack/what-to-try.mjs';
import { namedTests, namesIn, read, ROOT } from './named-tests.js';

const records = readdirSync(join(ROOT, 'docs/adr')).sort();
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'docs/ARCHITECTURE.md',
  'docs/deploy.md',
  'docs/security.md',
  'docs/troubleshooting.md',
  ...records.map((file) => `docs/adr/${file}`),
];
const architecture = read('docs/ARCHITECTURE.md');

it.each(pages.flatMap((page) => namedTests(read(page))))(
  'a page names a test that is there: %s “%s”',
  (file, words) => {
    expect(namesIn(file).filter((line) => line.includes(words))).not.toEqual([]);
  },
);

describe('docs/ARCHITECTURE.md', () => {
  it('has at most 150 lines', () => expect(architecture.trimEnd().split('\n').length).toBeLessThanOrEqual(150));

  it('names a test for each guarantee but the sixth, which is for later', () => {
    const rows = architecture.split('\n').filter((line) => /^\| [1-8] +\| \*\*/.test(line));
    expect(rows.map((row) => row.slice(2, 3)).join('')).toBe('1234578');
    for (const row of rows) expect(namedTests(row)).not.toEqual([]);
  });

  it('has every project on its map', () => {
    const folders = ['apps', 'libs', 'libs/platform', 'tools'].flatMap((parent) =>
      readdirSync(join(ROOT, parent), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => `${parent}/${name}`),
    );
    const isMapped = (folder: string): boolean =>
      architecture.includes(`\`${folder}\``) ||
      architecture
        .split('\n')
        .some(
          (line) =>
            line.startsWith(`| \`${dirname(folder)}/`) && line.includes(`\`${folder.split('/').at(-1) ?? ''}\``),
        );
    expect(folders.filter((folder) => folder !== 'libs/platform' && !isMapped(folder))).toEqual([]);
  });
});

describe('a decision', () => {
  it.each(records)('%s has its number, context, decision and consequences', (file) => {
    const page = read(`docs/adr/${file}`);
    expect(page).toMatch(new RegExp(`^# ${Number(file.slice(0, 4))}\\. `));
    expect(page.match(/^## .+$/gm)).toEqual(['## Context', '## Decision', '## Consequences']);
  });

  it('has a number of its own, without a gap', () => {
    expect(records.map((file) => Number(file.slice(0, 4)))).toEqual(records.map((_, i) => i + 1));
  });
});

describe.each(pages)('%s', (page) => {
  it('links to files that are there', () => {
    const links = [...read(page).matchAll(/\]\(([^)]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https?:/.test(target));
    expect(links.filter((target) => !existsSync(join(ROOT, dirname(page), target.split('#')[0] ?? '')))).toEqual([]);
  });

  it('names files and folders that are there', () => {
    const named = [...read(page).matchAll(/`((?:apps|libs|tools|docs|docker|\.github)\/[\w./-]+)`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names npm commands that are there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(page).matchAll(/\bnpm (start|test|run ([\w-]+))/g)].map(
      ([, command = '', script]) => script ?? command,
    );
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});

describe('README.md', () => {
  it('shows the commands that npm start shows, within five calls', () => {
    const shown =
      read('README.md')
        .match(/```sh\n([^`]+)```/)?.[1]
        ?.trimEnd()
        .split('\n') ?? [];
    const commands = whatToTry('http://127.0.0.1:8000', [], '').filter((line) => line.includes('curl'));
    expect(commands).toHaveLength(3);
    expect(shown).toHaveLength(5);
    expect(shown.slice(1, 4)).toEqual(commands);
  });
});
