// @ts-check
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isStillRunning, startTimeOf } from './identity.mjs';
import { Failure, end, onProcesses } from './processes.mjs';

/**
 * `.data/run.json`: who starts or runs the system from this folder, and what it has started. What must hold:
 * 1. One start at a time: the file is made by link(2), which fails when it is there.
 * 2. A process of ours is in it from right after it was made until it ended, so that the next start can end it if we are killed.
 *
 * @typedef {import('./processes.mjs').Recorded} Recorded
 * @typedef {{ pid: number, startedAt: string, children: Recorded[] }} Run
 */

/** @param {string} file @returns {Run | null} */
function readRun(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Ends everything of a run: the API first, which waits for answers that the worker still makes; then the worker, that it can still write
 * down what it does; then engines and whatever else there is.
 * @param {Recorded[]} all @param {number} [atMostMs] for API and worker: less than their own patience, when nothing can come of it
 */
export async function endInOrder(all, atMostMs = Infinity) {
  for (const role of ['tool', 'api', 'worker'])
    await endPatiently(
      all.filter((one) => one.role === role),
      atMostMs,
    );
  await endPatiently(all, Infinity);
}

/** @param {Recorded[]} some @param {number} atMostMs */
async function endPatiently(some, atMostMs) {
  const left = some.filter(isStillRunning);
  if (left.length > 0) await end(left, Math.min(atMostMs, Math.max(...left.map((one) => one.patienceMs))));
}

/** @param {Recorded[]} children @returns {string} */
function contentOf(children) {
  const recorded = children.map(({ pid, startedAt, what, role, stopSignal, patienceMs }) => ({
    pid,
    startedAt,
    what,
    role,
    stopSignal,
    patienceMs,
  }));
  return JSON.stringify({ pid: process.pid, startedAt: startTimeOf(process.pid) ?? '', children: recorded });
}

/**
 * Takes the project folder for this start, after ending what a killed start has left.
 * @param {string} dataDir @param {(left: Recorded[], work: () => Promise<void>) => Promise<void>} cleaning called when something is to be ended
 * @returns {Promise<() => void>} gives the folder back
 * @throws Failure when another start lives
 */
export async function takeFolder(dataDir, cleaning) {
  mkdirSync(dataDir, { recursive: true });
  const file = path.join(dataDir, 'run.json');
  const own = `${file}.${process.pid}`;
  const earlier = readRun(file);
  if (earlier !== null && isStillRunning(earlier)) {
    throw new Failure(
      `EdgeChat is already running from this folder (process ${earlier.pid}): stop that one first, with Ctrl-C or kill ${earlier.pid}.`,
    );
  }
  const left = (earlier?.children ?? []).filter(isStillRunning);
  if (left.length > 0) await cleaning(left, () => endInOrder(left));
  rmSync(file, { force: true });
  writeFileSync(own, contentOf([]));
  try {
    linkSync(own, file);
  } catch {
    throw new Failure('EdgeChat is being started from this folder by another process: wait for that one, or stop it.');
  } finally {
    rmSync(own, { force: true });
  }
  const forget = onProcesses((all) => {
    writeFileSync(own, contentOf(all));
    renameSync(own, file);
  });
  return () => {
    forget();
    rmSync(file, { force: true });
  };
}
