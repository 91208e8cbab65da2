import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');

export type Entries = Readonly<Record<string, unknown>>;

/** What stands under a key, when it has keys itself; else nothing. */
export const entriesOf = (value: unknown): Entries =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};

/** The words of a list. */
export const wordsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

/** A compose file as Compose reads it, before it is merged with others: `<<` is resolved, and the tags !override and !reset are passed over. */
export function readCompose(path: string): { services: Entries; networks: Entries } {
  const parsed: unknown = parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true, logLevel: 'error' });
  const { services, networks } = entriesOf(parsed);
  return { services: entriesOf(services), networks: entriesOf(networks) };
}
