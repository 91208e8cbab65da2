import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { PASSWORD_MIN_CHARACTERS } from '../domain/account.js';

/** Passwords that leaked, the most frequent first, shorter ones too: a file of JSON in a package, and not a module, so that a program that never asks holds none of it. */
const FILE = '@zxcvbn-ts/language-common/src/passwords.json';
const COUNT = 10_000;

let loading: Promise<ReadonlySet<string>> | null = null;

/** The 10,000 most common passwords of 8 characters and more, folded (`foldPassword`): the list is, as its test holds. Read at the first call, in about 20 ms, and kept: 0.6 MiB. */
export function commonPasswords(): Promise<ReadonlySet<string>> {
  loading ??= load().catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function load(): Promise<ReadonlySet<string>> {
  const list: unknown = JSON.parse(await readFile(createRequire(import.meta.url).resolve(FILE), 'utf8'));
  if (!Array.isArray(list)) throw new Error(`${FILE} is no list`);
  const long = list
    .filter((entry: unknown) => typeof entry === 'string')
    .filter((text) => text.length >= PASSWORD_MIN_CHARACTERS);
  return new Set(long.slice(0, COUNT));
}
