// @ts-check
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

// A pid alone names nobody: it is given to a new process once its owner is gone. Pid and start time together do.

const hasProc = existsSync('/proc/self/stat');

/** @param {number} pid @returns {{ state: string, ppid: number, ticks: string } | null} */
function readStat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command stands in brackets and may hold anything, brackets too: count from the last one.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', ppid: Number(fields[1]), ticks: fields[19] ?? '' };
  } catch {
    return null;
  }
}

/** @param {string[]} args @returns {string} what ps prints, empty if it fails */
function ps(args) {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

/** @returns {string} another one after each start of the machine */
const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/**
 * When a process began, in words that no other process of this machine shares with the same pid (after a reboot neither).
 * @param {number} pid
 * @returns {string | null} null when it is gone, or dead and only not yet collected by its parent
 */
export function startTimeOf(pid) {
  if (hasProc) {
    const stat = readStat(pid);
    if (stat === null || stat.state === 'Z' || stat.state === 'X') return null;
    return `${bootId()}:${stat.ticks}`;
  }
  const [, state, began] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(ps(['-o', 'stat=,lstart=', '-p', String(pid)])) ?? [];
  return began === undefined || state === undefined || state.startsWith('Z') ? null : began;
}

/**
 * Whether the process that was recorded still runs (and its pid was not given to another).
 * @param {{ pid: number, startedAt: string }} recorded
 * @returns {boolean}
 */
export function isStillRunning(recorded) {
  return startTimeOf(recorded.pid) === recorded.startedAt;
}

/** @param {unknown} error @returns {string} the code of an error of the operating system, else empty */
export const codeOf = (error) =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

/**
 * Whether a process that was recorded has certainly ended: more than that it cannot be seen, which is so too where others' processes are hidden.
 * @param {{ pid: number, startedAt: string }} recorded
 * @returns {boolean}
 */
export function isSurelyGone(recorded) {
  const startedAt = startTimeOf(recorded.pid);
  if (startedAt !== null) return startedAt !== recorded.startedAt;
  if (hasProc && !recorded.startedAt.startsWith(`${bootId()}:`)) return true;
  try {
    process.kill(recorded.pid, 0);
    return hasProc && readStat(recorded.pid) !== null; // dead, and only not yet collected by its parent
  } catch (error) {
    return codeOf(error) !== 'EPERM';
  }
}

/** @returns {Map<number, number[]>} the children of each process */
function familyTree() {
  /** @type {[number, number][]} */
  const pairs = hasProc
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map((name) => [Number(name), readStat(Number(name))?.ppid ?? 0])
    : ps(['-A', '-o', 'pid=,ppid='])
        .split('\n')
        .map((line) => line.trim().split(/\s+/).map(Number))
        .map(([pid = 0, ppid = 0]) => [pid, ppid]);
  const children = new Map();
  for (const [pid, ppid] of pairs) children.set(ppid, [...(children.get(ppid) ?? []), pid]);
  return children;
}

/**
 * A process and all that descend from it, parents first. (PostgreSQL's own processes leave the process group, so a group does not hold them.)
 * @param {number} pid
 * @returns {number[]}
 */
export function familyOf(pid) {
  const children = familyTree();
  const family = [pid];
  for (const member of family) family.push(...(children.get(member) ?? []));
  return family;
}

/**
 * Sends a signal; a process (or group, when negative) that is gone already is no error.
 * @param {number} pid
 * @param {NodeJS.Signals} signal
 * @returns {boolean} whether somebody was there to get it
 */
export function send(pid, signal) {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
