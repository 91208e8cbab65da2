import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Tests that a page names: `path/of.spec.ts`: “words of it”, “and of another”. A part of the compose test is named in the same way. */
export function namedTests(page: string): [file: string, words: string][] {
  const unwrapped = page.replace(/\s+/g, ' ');
  const named = /`([\w./-]+(?:spec\.ts|\.mjs))`: (“[^”]+”(?:, “[^”]+”)*)/g;
  return [...unwrapped.matchAll(named)].flatMap(([, file = '', all = '']) =>
    [...all.matchAll(/“([^”]+)”/g)].map(([, words = '']): [string, string] => [file, words]),
  );
}

/** The lines of a file with the names of its tests and groups of tests. */
export function namesIn(file: string): string[] {
  return read(file)
    .split('\n')
    .filter((line) => /^\s*(?:(?:it|describe)\b|(?:await )?check\(|\]\)\('|['"`])/.test(line));
}
