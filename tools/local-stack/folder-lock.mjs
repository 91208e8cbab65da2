// @ts-check
import { createHash } from 'node:crypto';
import { linkSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, isSurelyGone, startTimeOf } from './identity.mjs';

/**
 * A lock that is a file, for processes of one machine; the lock of a process that was killed can be taken over. What must hold:
 * 1. The file appears whole, by link(2), which fails when it is there: of those who make it one wins. (Where a file system has no links it
 *    appears empty, and is not judged for as long as its owner may still be writing it.)
 * 2. The file of an owner who is gone is replaced only under a second lock, named after that owner, and only while the file is still that
 *    owner's. An owner who is gone never comes back, so whoever gets the second lock too late sees another owner, or none, and begins again.
 * 3. The second lock is taken in the same way, so that one whose owner was killed in the middle can be taken over as well.
 * 4. Nobody but its owner removes a lock.
 *
 * @typedef {{ pid: number, startedAt: string }} Owner
 */

/** Whose file cannot be read: it was cut by a power cut, and the owner is gone, unless it is still being written. @type {Owner} */
const nobody = { pid: 0, startedAt: 'unreadable' };
const writtenWithinMs = 10_000;
const withoutLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** @param {unknown} value @returns {value is Owner} */
function isOwner(value) {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    Number.isSafeInteger(value.pid) &&
    'startedAt' in value &&
    typeof value.startedAt === 'string'
  );
}

/**
 * @param {string} file
 * @returns {{ text: string, owner: Owner } | null} null when nobody has the lock
 */
function read(file) {
  /** @type {string} */
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const owner = JSON.parse(text);
    return { text, owner: isOwner(owner) ? owner : nobody };
  } catch {
    return { text, owner: nobody };
  }
}

/** @param {string} file @param {Owner} owner @returns {string} the lock under which this owner's lock may be replaced */
export function successionOf(file, { pid, startedAt }) {
  const base = file.replace(/\.after-\d+-[0-9a-f]+$/, '');
  return `${base}.after-${pid}-${createHash('sha256').update(startedAt).digest('hex').slice(0, 16)}`;
}

/** @returns {Owner} this process */
export const ourselves = () => ({ pid: process.pid, startedAt: startTimeOf(process.pid) ?? '' });

/** @param {string} file @param {string} text @returns {boolean} whether the file was made; false when it was there */
function make(file, text) {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, text, { mode: 0o600 });
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!withoutLinks.includes(codeOf(error))) throw error;
    return makeWithoutLinks(file, text);
  } finally {
    rmSync(own, { force: true });
  }
}

/** @param {string} file @param {string} text @returns {boolean} */
function makeWithoutLinks(file, text) {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} file @param {Owner} owner */
function isGone(file, owner) {
  if (owner !== nobody) return isSurelyGone(owner);
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) > writtenWithinMs;
}

/**
 * Removes what processes have left that were killed while they took this lock. Only for its owner: nobody is to succeed those who had it before.
 * @param {string} file
 */
function sweep(file) {
  for (const name of readdirSync(path.dirname(file)).filter((one) => one.startsWith(`${path.basename(file)}.`))) {
    const writer = /\.(\d+)$/.exec(name)?.[1];
    const isLeft = writer === undefined ? name.includes('.after-') : startTimeOf(Number(writer)) === null;
    if (isLeft) rmSync(path.join(path.dirname(file), name), { force: true });
  }
}

/**
 * Takes a lock, at once or not at all. Give it back by removing the file.
 * @param {string} file
 * @param {(left: string) => object} contentAfter what the file is to hold beside its owner, given what an owner who is gone has left in it
 *   (empty: nobody)
 * @returns {Owner | null} who has it instead; null when it is ours now
 */
export function takeLock(file, contentAfter = () => ({})) {
  const owner = take(file, contentAfter);
  if (owner === null) sweep(file);
  return owner;
}

/** @param {string} file @param {(left: string) => object} contentAfter @returns {Owner | null} */
function take(file, contentAfter) {
  const textAfter = (/** @type {string} */ left) => JSON.stringify({ ...ourselves(), ...contentAfter(left) });
  for (;;) {
    if (make(file, textAfter(''))) return null;
    const found = read(file);
    if (found === null) continue; // given back just now
    if (!isGone(file, found.owner)) return found.owner;
    const succession = successionOf(file, found.owner);
    const other = take(succession, () => ({}));
    if (other !== null) return other;
    try {
      if (read(file)?.text !== found.text) continue;
      const own = `${file}.${process.pid}`;
      writeFileSync(own, textAfter(found.text), { mode: 0o600 });
      renameSync(own, file);
      return null;
    } finally {
      rmSync(succession, { force: true });
    }
  }
}
