// @ts-check
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { writeDurably } from './durable.mjs';

/**
 * `<dataDir>/<kind>/engine.json`: which engine, of which major version, wrote the data beside it. The data itself is in a folder that is
 * named after both, so that the record can be found again when the file is damaged.
 *
 * @typedef {import('./chain.d.mts').Identity} Identity
 */

const engines = ['PostgreSQL', 'MongoDB', 'SecantusDB', 'Redis'];

/** @param {string} home */
const fileIn = (home) => path.join(home, 'engine.json');

/** @param {Identity} one @param {Identity} other */
export const isSame = (one, other) =>
  one.engine === other.engine && one.major === other.major && one.where === other.where;

/** @param {Identity} identity @returns {string} for people */
export const nameOf = ({ engine, major, where }) =>
  `${engine}${major === 0 ? '' : ` ${major}`}${where === 'docker' ? ' in Docker' : ''}`;

/** @param {string} home @param {Identity} identity @returns {string} where this engine keeps its data */
export const folderOf = (home, { engine, major, where }) =>
  path.join(home, `${engine.toLowerCase()}-${major}${where === 'docker' ? '-docker' : ''}`);

/** @param {unknown} value @returns {value is Identity} */
function isIdentity(value) {
  if (typeof value !== 'object' || value === null) return false;
  const { engine, major, where } = /** @type {Record<string, unknown>} */ (value);
  return (
    engines.some((name) => name === engine) &&
    Number.isSafeInteger(major) &&
    (where === 'process' || where === 'docker')
  );
}

/** @param {string} folder @returns {number} when something in it was last made or removed, 0 when it is empty or no folder */
function usedAt(folder) {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isDirectory()) return 0;
  const times = readdirSync(folder).map(
    (name) => statSync(path.join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return times.length === 0 ? 0 : Math.max(stat.mtimeMs, ...times);
}

/** @param {string} home @returns {Identity | null} the engine whose folder was used last */
function identityByFolder(home) {
  const found = readdirSync(home).flatMap((name) => {
    const [, lower = '', major = '', docker] = /^([a-z]+)-(\d+)(-docker)?$/.exec(name) ?? [];
    const engine = engines.find((one) => one.toLowerCase() === lower);
    const at = engine === undefined ? 0 : usedAt(path.join(home, name));
    if (engine === undefined || at === 0) return [];
    /** @type {Identity} */
    const identity = { engine, major: Number(major), where: docker === undefined ? 'process' : 'docker' };
    return [{ identity, at }];
  });
  return found.sort((one, other) => other.at - one.at)[0]?.identity ?? null;
}

/**
 * @param {string} home @param {(line: string) => void} say hears when the file is damaged
 * @returns {Identity | null} which engine wrote the data, null when there is none yet
 */
export function readRecord(home, say) {
  const file = fileIn(home);
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return null;
  try {
    /** @type {unknown} */
    const value = JSON.parse(readFileSync(file, 'utf8'));
    if (isIdentity(value)) return value;
  } catch {
    // told below
  }
  const identity = identityByFolder(home);
  say(
    identity === null
      ? `${file} is damaged; there is no data beside it`
      : `${home}/engine.json is damaged; the data beside it is of ${nameOf(identity)}`,
  );
  return identity;
}

/** @param {string} home @param {Identity} identity */
export function writeRecord(home, { engine, major, where }) {
  const text = `${JSON.stringify({ engine, major, where })}\n`;
  const file = fileIn(home);
  const isThere = statSync(file, { throwIfNoEntry: false })?.isFile() === true && readFileSync(file, 'utf8') === text;
  if (!isThere) writeDurably(file, text, { mode: 0o600 });
}
