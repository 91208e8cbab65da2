// @ts-check
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ourselves, takeLock } from './folder-lock.mjs';
import { isStillRunning } from './identity.mjs';
import { Failure, end, onProcesses } from './processes.mjs';

/**
 * `.data/run.json`: who starts or runs the system from this folder, and what it has started. What must hold:
 * 1. One start at a time: the file is a lock (folder-lock.mjs). It is taken before anything is ended or begun, wherever the stores are.
 * 2. A process of ours is in it from right after it was made until it ended, so that the next start can end it if we are killed. So is what
 *    an earlier start has left, until it ended.
 *
 * @typedef {import('./processes.mjs').Recorded} Recorded
 */

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

/** @param {Recorded[]} children */
const recorded = (children) =>
  children.map(({ pid, startedAt, what, role, stopSignal, patienceMs }) => ({
    pid,
    startedAt,
    what,
    role,
    stopSignal,
    patienceMs,
  }));

/** @param {string} text of the file that an earlier start has left @returns {Recorded[]} what still runs of it */
function leftOf(text) {
  try {
    const { children } = JSON.parse(text);
    return recorded(Array.isArray(children) ? children : []).filter(isStillRunning);
  } catch {
    return []; // cut by a power cut, which ended all processes too; or there was none
  }
}

/** @param {Recorded[]} left @param {(left: Recorded[], work: () => Promise<void>) => Promise<void>} cleaning */
async function endLeft(left, cleaning) {
  if (left.length === 0) return;
  await cleaning(left, () => endInOrder(left));
  const still = left.filter(isStillRunning);
  if (still.length === 0) return;
  const named = still.map(({ what, pid }) => `${what}, process ${pid}`).join('; ');
  throw new Failure(
    `What an earlier start has left cannot be ended (${named}): end it, or restart the machine, and start again.`,
  );
}

/**
 * Takes the project folder for this start, then ends what a killed start has left.
 * @param {string} dataDir @param {(left: Recorded[], work: () => Promise<void>) => Promise<void>} cleaning called when something is to be ended
 * @returns {Promise<() => void>} gives the folder back
 * @throws Failure when another start lives, or what a killed one left cannot be ended
 */
export async function takeFolder(dataDir, cleaning) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = path.join(dataDir, 'run.json');
  /** @type {Recorded[]} */
  let left = [];
  const other = takeLock(file, (text) => {
    left = leftOf(text);
    return { children: left };
  });
  if (other?.pid === 0)
    throw new Failure(
      'EdgeChat is being started from this folder by another process: wait for that one, or try again in 10 seconds.',
    );
  if (other !== null)
    throw new Failure(
      `EdgeChat is already running from this folder (process ${other.pid}): stop that one first, with Ctrl-C or kill ${other.pid}.`,
    );
  const own = `${file}.${process.pid}`;
  const forget = onProcesses((all) => {
    left = left.filter(isStillRunning);
    writeFileSync(own, JSON.stringify({ ...ourselves(), children: recorded([...left, ...all]) }), { mode: 0o600 });
    renameSync(own, file);
  });
  const giveBack = () => {
    forget();
    left = left.filter(isStillRunning);
    if (left.length === 0) rmSync(file, { force: true });
  };
  try {
    await endLeft(left, cleaning);
  } catch (error) {
    giveBack();
    throw error;
  }
  return giveBack;
}
