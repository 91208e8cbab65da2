// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, statSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { familyOf, isStillRunning, send, startTimeOf } from './identity.mjs';

/** An error whose message is a whole sentence for the person at the terminal: it is shown as it is, without a stack. */
export class Failure extends Error {}

/** The disk is full: no other engine or try would help. */
export class DiskFull extends Failure {
  constructor() {
    super('The disk is full. Free some space (npm start needs about 2 GB) and start again.');
  }
}

/**
 * @typedef {'api' | 'worker' | 'engine' | 'tool'} Role
 * @typedef {{ pid: number, startedAt: string, what: string, role: Role, stopSignal: NodeJS.Signals, patienceMs: number }} Recorded
 *   `patienceMs`: how long it may take to end before SIGKILL
 * @typedef {{ code: number | null, signal: NodeJS.Signals | null }} Exit
 * @typedef {Recorded & { child: import('node:child_process').ChildProcess, exited: Promise<Exit>, output: () => string }} Launched
 *   `hasChannel`: it may tell us things by process.send()
 * @typedef {{ role?: Role, stopSignal?: NodeJS.Signals, patienceMs?: number, cwd?: string, env?: NodeJS.ProcessEnv, uid?: number, gid?: number,
 *   logFile?: string, hasChannel?: boolean, onOutput?: (text: string, stream: 'stdout' | 'stderr') => void }} LaunchOptions
 */

/** What this process started and did not yet see end. @type {Map<number, Launched>} */
const living = new Map();
/** @type {Set<(all: Recorded[]) => void>} */
const listeners = new Set();

// The last net: whatever way this process ends by itself, its children do not outlive it. (SIGKILL is for run.json and guard.mjs.)
process.on('exit', () => {
  for (const one of living.values()) send(-one.pid, 'SIGKILL');
});

/**
 * Tells the listener now and at each change which processes are running. Returns a function that ends that.
 * @param {(all: Recorded[]) => void} listener called synchronously, right after a process was made
 */
export function onProcesses(listener) {
  listeners.add(listener);
  listener([...living.values()]);
  return () => listeners.delete(listener);
}

/**
 * @param {Role[]} roles
 * @returns {Launched[]} what runs of these, of all when none is named
 */
export function livingProcesses(...roles) {
  return [...living.values()].filter((one) => roles.length === 0 || roles.includes(one.role));
}

function announce() {
  for (const listener of listeners) listener([...living.values()]);
}

const tailBytes = 32_000;
const defaultPatienceMs = 15_000;

/** @param {string} file */
function tailOf(file) {
  try {
    return readFileSync(file, 'utf8').slice(-tailBytes);
  } catch {
    return '';
  }
}

/**
 * @param {string} command @param {string[]} args @param {LaunchOptions} options
 * @returns {{ child: import('node:child_process').ChildProcess, output: () => string }}
 */
function spawnWithOutput(command, args, options) {
  // detached: a session of its own, so that Ctrl-C in the terminal reaches us alone and we end things in their order.
  const log = options.logFile === undefined ? null : openSync(options.logFile, 'a', 0o600);
  const { cwd, env, uid, gid } = options;
  /** @type {import('node:child_process').StdioOptions} */
  const channel = options.hasChannel === true ? ['ipc'] : [];
  const child = spawn(command, args, {
    cwd,
    env,
    uid,
    gid,
    detached: true,
    stdio: log === null ? ['ignore', 'pipe', 'pipe', ...channel] : ['ignore', log, log],
  });
  if (log !== null) closeSync(log);
  let tail = '';
  for (const stream of /** @type {const} */ (['stdout', 'stderr'])) {
    child[stream]?.setEncoding('utf8').on('data', (text) => {
      tail = (tail + text).slice(-tailBytes);
      options.onOutput?.(text, stream);
    });
  }
  return { child, output: () => (options.logFile === undefined ? tail : tailOf(options.logFile)) };
}

/**
 * Starts a process in a group of its own and keeps account of it until it ends.
 * @param {string} what its name for people @param {string} command @param {string[]} args @param {LaunchOptions} [options]
 * @returns {Promise<Launched>}
 * @throws Failure when the command cannot be started
 */
export async function launch(what, command, args, options = {}) {
  const { child, output } = spawnWithOutput(command, args, options);
  /** @type {Promise<Exit>} */
  const exited = new Promise((resolve) => {
    // A tool is over once all it printed has come; a server at its end, whoever still holds its output.
    child.once(options.role === undefined || options.role === 'tool' ? 'close' : 'exit', (code, signal) =>
      resolve({ code, signal }),
    );
  });
  const begun = new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', (error) => reject(new Failure(`${command} cannot be started: ${error.message}`)));
  });
  const { pid } = child;
  const launched = {
    pid: pid ?? 0,
    startedAt: pid === undefined ? '' : (startTimeOf(pid) ?? 'gone'),
    what,
    role: options.role ?? 'tool',
    stopSignal: options.stopSignal ?? 'SIGTERM',
    patienceMs: options.patienceMs ?? defaultPatienceMs,
    child,
    exited,
    output,
  };
  if (pid !== undefined) {
    living.set(pid, launched);
    announce();
    void exited
      .then(() => {
        living.delete(pid);
        announce();
      })
      .catch(() => undefined); // a record that cannot be written now (full disk) names one process too many: harmless
  }
  await begun;
  return launched;
}

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Ends recorded processes: each gets its own signal, then SIGKILL for it and all that descend from it. Safe to repeat.
 * @param {Recorded[]} all @param {number} patienceMs how long they may take before SIGKILL
 */
export async function end(all, patienceMs) {
  for (const one of all.filter(isStillRunning)) {
    send(one.role === 'tool' ? -one.pid : one.pid, one.stopSignal);
    send(one.pid, 'SIGCONT'); // one that a test has hung could not end
  }
  const deadline = Date.now() + patienceMs;
  while (all.some(isStillRunning) && Date.now() < deadline) await pause(25);
  for (const one of all.filter(isStillRunning)) {
    for (const pid of familyOf(one.pid)) send(pid, 'SIGKILL');
    send(-one.pid, 'SIGKILL');
  }
  const gone = Date.now() + 5_000;
  while (all.some(isStillRunning) && Date.now() < gone) await pause(10);
}

/** @param {string} folder @returns {number} bytes in it; what vanishes while it is counted does not count */
function sizeOf(folder) {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const full = path.join(folder, entry.name);
      bytes += entry.isDirectory() ? sizeOf(full) : (statSync(full, { throwIfNoEntry: false })?.size ?? 0);
    }
  } catch {
    return bytes;
  }
  return bytes;
}

/**
 * Runs a command to its end.
 * @param {string} what @param {string} command @param {string[]} args
 * @param {LaunchOptions & { signal?: AbortSignal, stallMs?: number, growing?: string }} [options] `stallMs`: it is ended when it
 *   printed nothing for so long and the folder `growing` did not change either (no limit when left out)
 * @returns {Promise<string>} what it printed, its last 32,000 characters
 * @throws DiskFull, Failure with the end of its output, or the signal's reason
 */
export async function run(what, command, args, options = {}) {
  const { signal, stallMs, growing } = options;
  signal?.throwIfAborted();
  let lastSign = Date.now();
  const launched = await launch(what, command, args, {
    ...options,
    onOutput: (text, stream) => {
      lastSign = Date.now();
      options.onOutput?.(text, stream);
    },
  });
  let size = 0;
  let stalled = false;
  const timer = setInterval(() => {
    const now = growing === undefined ? 0 : sizeOf(growing);
    if (now !== size) lastSign = Date.now();
    size = now;
    if (stallMs === undefined || Date.now() - lastSign < stallMs) return;
    stalled = true;
    void end([launched], 2_000);
  }, 1_000);
  const onAbort = () => void end([launched], 1_500);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  const { code, signal: killedBy } = await launched.exited;
  clearInterval(timer);
  signal?.removeEventListener('abort', onAbort);
  signal?.throwIfAborted();
  if (code === 0) return launched.output();
  if (isDiskFull(launched.output()) || (growing !== undefined && hasNoRoom(growing))) throw new DiskFull();
  if (stalled) throw new Failure(`${what} did nothing for ${(stallMs ?? 0) / 1_000} s`);
  throw new Failure(`${what} failed (${howEnded({ code, signal: killedBy })})${tellingLines(launched.output())}`);
}

/** @param {Exit} exit @returns {string} the signal or the exit code, in words */
export function howEnded({ code, signal }) {
  return signal ?? `exit code ${code}`;
}

/** @param {string} output @returns {boolean} whether a program complained there that the disk is full */
export function isDiskFull(output) {
  return /ENOSPC|No space left on device|not enough free disk space|EDQUOT|Disk quota exceeded/i.test(output);
}

/** Less than this, and a program that writes has failed for want of room, whatever it says. */
const noRoomBytes = 4 * 2 ** 20;

/** @param {string} folder @returns {boolean} whether hardly anything can be written there: not all programs tell why they fail */
function hasNoRoom(folder) {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(folder);
    return bavail * bsize < noRoomBytes || (files > 0 && ffree === 0);
  } catch {
    return false;
  }
}

/** @param {string} output @returns {string[]} its lines that are not empty, without blanks at their ends */
const linesOf = (output) =>
  output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** @param {string[]} lines @returns {string} */
const joined = (lines) => (lines.length === 0 ? '' : `: ${lines.join(' | ').slice(0, 600)}`);

/** @param {string} output @param {number} [count] @returns {string} its last lines after a colon, or nothing */
export function lastLines(output, count = 3) {
  return joined(linesOf(output).slice(-count));
}

/** The line with which programs begin what went wrong: `Error: …`, `npm error …`, `FATAL:  …`, `OSError: …`, `✘ [ERROR] …`, `E: …`. */
const namesError =
  /^npm (?:error|ERR!)|^(?:.{0,60}[\s[])?(?:[\w.]*(?:Error|Exception)(?: \[\w+\])?(?::|$)|ERROR\b|FATAL\b|PANIC\b|fatal:|error:|E:)/;
/** What stands below it for programmers: frames of the stack, fields of the error. */
const isForProgrammers =
  /^(?:at |File "|\^+$|\||[{}[\]]|Node\.js v\d|(?:errno|code|syscall|stdio|stdout|stderr|status|signal|output|pid|path|spawnargs):)/;

/**
 * @param {string} output of a program that failed
 * @returns {string} after a colon the first line that names an error with up to two after it, its last lines if none does; often nothing
 */
export function tellingLines(output) {
  const lines = linesOf(output);
  const first = lines.findIndex((line) => namesError.test(line));
  if (first === -1) return joined(lines.slice(-3));
  const below = lines.slice(first + 1);
  const end = below.findIndex((line) => isForProgrammers.test(line));
  return joined([lines[first] ?? '', ...(end === -1 ? below : below.slice(0, end)).slice(0, 2)]);
}
