import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, pause } from '../../local-stack/processes.mjs';

const SAMPLED_EVERY_MS = 1_000;
const TELLS_WITHIN_MS = 60_000;
const TRIED_EVERY_MS = 50;

/** Resident memory of a process in MiB, 0 when it is gone. Linux. */
function residentMiB(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

/** The memory of each process, read each second, and the highest of it. */
export class MemoryWatch {
  /** By name, in MiB. @type {Record<string, number>} */
  peaks = {};
  #timer;

  constructor(apps) {
    this.apps = apps;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), SAMPLED_EVERY_MS);
  }

  /** Forgets the peaks, and returns them. */
  take() {
    const { peaks } = this;
    this.peaks = {};
    this.#sample();
    return peaks;
  }

  stop() {
    clearInterval(this.#timer);
  }

  #sample() {
    for (const { name, pid } of this.apps) this.peaks[name] = Math.max(this.peaks[name] ?? 0, residentMiB(pid));
  }
}

/**
 * What the probes inside the processes saw since they were last asked.
 * @returns {Promise<Record<string, { works: Record<string, { count: number, longestMs: number, mostCharacters: number }>, delayP99Ms: number, delayMaxMs: number }>>} by process
 * @throws Failure when one does not tell within a minute: its loop stands still
 */
export async function readProbes(apps, folder) {
  const told = await Promise.all(apps.map(async (app) => [app.name, await readProbe(app, folder)]));
  return Object.fromEntries(told);
}

async function readProbe(app, folder) {
  const until = performance.now() + TELLS_WITHIN_MS;
  for (let asked = null; performance.now() < until; await pause(TRIED_EVERY_MS)) {
    await app.mended();
    const { pid } = app;
    const file = join(folder, `${pid}.json`);
    // Once, or what it saw would be told of by the first answer and be gone from the second. A process that took its place is asked anew.
    if (pid !== asked && askProbe(pid, file)) asked = pid;
    if (pid === asked && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  }
  throw new Failure(`${app.name} did not tell what it measured within ${TELLS_WITHIN_MS / 1_000} s`);
}

/** @returns {boolean} false when there is no such process any more */
function askProbe(pid, file) {
  rmSync(file, { force: true });
  try {
    return process.kill(pid, 'SIGUSR2');
  } catch {
    return false;
  }
}
