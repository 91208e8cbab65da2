// @ts-check
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter } from 'node:path';
import path from 'node:path';
import { startTimeOf } from './identity.mjs';
import { DiskFull, Failure, run } from './processes.mjs';

/**
 * @typedef {import('./chain.d.mts').Context} Context
 */

/** How long a link may do nothing before the next one is tried (docs: design of the chain). */
export const stallMs = 20_000;
const failureCountsMs = 24 * 3_600_000;

/** @param {string} folder removes what builders left that were killed half-way */
function sweep(folder) {
  for (const name of readdirSync(folder)) {
    const builder = /\.partial-(\d+)$/.exec(name)?.[1];
    if (builder !== undefined && startTimeOf(Number(builder)) === null)
      rmSync(path.join(folder, name), { recursive: true, force: true });
  }
}

/**
 * @param {string} reason a program's failure with the last lines it printed, between bars
 * @returns {string} the last of them that names an error, at most 120 characters
 */
function inFewWords(reason) {
  const lines = reason.split(/ \| |\(exit code \d+\): /);
  const named = lines.filter((line) =>
    /error|fail|refused|denied|timed? ?out|no such|not found|enotfound|cannot|unable|nothing/i.test(line),
  );
  const words = named.at(-1) ?? lines.at(-1) ?? reason;
  return words.length > 120 ? `${words.slice(0, 119)}…` : words;
}

/**
 * A folder that is built once and then shared by all starts and tests. It appears complete or not at all: it is built under another
 * name and renamed, so that a build that was killed is built again. A failure counts for a day, so that only the first start waits for it.
 * @param {Context} context @param {string} name @param {(folder: string) => Promise<void>} build
 * @returns {Promise<string>} the folder
 * @throws Failure
 */
export async function builtOnce(context, name, build) {
  const final = path.join(context.cacheDir, name);
  if (existsSync(final)) return final;
  mkdirSync(context.cacheDir, { recursive: true });
  sweep(context.cacheDir);
  const failed = `${final}.failed`;
  const failedAt = statSync(failed, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Date.now() - failedAt < failureCountsMs)
    throw new Failure(`${readFileSync(failed, 'utf8')} (remove ${failed} to try again today)`);
  const partial = `${final}.partial-${process.pid}`;
  context.say(`fetching ${name} …`);
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    await build(partial);
    if (!existsSync(final)) renameSync(partial, final);
    rmSync(failed, { force: true });
    return final;
  } catch (error) {
    if (error instanceof Failure && !(error instanceof DiskFull) && !context.signal?.aborted) {
      writeFileSync(failed, error.message);
      context.say(`${name}: not to be had here (${inFewWords(error.message)})`);
    }
    throw error;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/**
 * @param {string} name a program @param {NodeJS.ProcessEnv} env @param {string[]} [folders] looked through after the PATH
 * @returns {string[]} the places where it is, best first
 */
export function findProgram(name, env, folders = []) {
  const places = [...(env['PATH'] ?? '').split(delimiter), ...folders].filter((folder) => folder !== '');
  return [...new Set(places)].map((folder) => path.join(folder, name)).filter(isRunnable);
}

/** @param {string} file */
function isRunnable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // not there, or in a folder that others may not enter
  }
}

/**
 * The version a program says it has.
 * @param {Context} context @param {string} program @param {string[]} [args]
 * @returns {Promise<string | null>} like `15.18`; null when it does not run
 */
export async function versionOf(context, program, args = ['--version']) {
  const { signal, env } = context;
  const text = await run(program, program, args, { signal, env, stallMs: 5_000 }).catch((error) => {
    signal?.throwIfAborted();
    return error instanceof Failure ? '' : Promise.reject(error);
  });
  return /(\d+\.\d+(\.\d+)?)/.exec(text)?.[1] ?? null;
}

/** @param {string} version @param {number} major @param {number} [minor] */
export function isAtLeast(version, major, minor = 0) {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** @param {string} version */
export const majorOf = (version) => Number(version.split('.')[0]);

/**
 * A Python that can make what the package links need.
 * @param {Context} context
 * @returns {Promise<string>}
 * @throws Failure when there is none from 3.10 on
 */
export async function findPython(context) {
  for (const program of ['python3', 'python'].flatMap((name) => findProgram(name, context.env))) {
    const version = await versionOf(context, program);
    if (version !== null && isAtLeast(version, 3, 10)) return program;
  }
  throw new Failure('there is no Python 3.10 or newer on the PATH');
}
