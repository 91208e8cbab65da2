import { readFileSync, readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

// Linux only: what a process and all that descend from it cost, read from /proc.

const TICK_US = 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The fields of /proc/<pid>/stat after the name, which stands in brackets and may hold anything; null when the process is gone. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
  } catch {
    return null;
  }
}

const [PPID, UTIME, STIME, CHILDREN_UTIME, CHILDREN_STIME] = [1, 11, 12, 13, 14];

/** User and system time of processes with their descendants, those that have ended included, in microseconds. @param {Record<string, number>} pids by name */
export function cpuOf(pids) {
  const stats = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), statOf(name)]),
  );
  const children = new Map();
  for (const [pid, stat] of stats) if (stat) children.set(stat[PPID], [...(children.get(stat[PPID]) ?? []), pid]);
  const ticks = (pid) => {
    const stat = stats.get(pid);
    if (!stat) return 0;
    return (
      stat[UTIME] +
      stat[STIME] +
      stat[CHILDREN_UTIME] +
      stat[CHILDREN_STIME] +
      (children.get(pid) ?? []).reduce((sum, child) => sum + ticks(child), 0)
    );
  };
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, ticks(pid) * TICK_US]));
}

/** @returns {Record<string, number>} what was spent between two readings, by name */
export const spent = (before, after) =>
  Object.fromEntries(Object.keys(after).map((name) => [name, Math.max(0, after[name] - (before[name] ?? 0))]));

/** Resident memory of one process, in MiB; `own` is what it shares with nobody. */
export function memoryOf(pid) {
  const read = (file, name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0) / 1_024;
  return {
    residentMiB: read('status', 'VmRSS'),
    ownMiB: read('smaps_rollup', 'Private_Dirty') + read('smaps_rollup', 'Private_Clean'),
  };
}
