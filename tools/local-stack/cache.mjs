// @ts-check
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
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
  const words = named.filter((line) => line !== lines[0]).at(-1) ?? lines.at(-1) ?? reason;
  return words.length > 120 ? `${words.slice(0, 119)}…` : words;
}

/** It failed within the last day, when a later link gave the engine: it was not tried now. */
export class NotTriedAgain extends Failure {}

/** @param {Context} context @param {string} failed @throws NotTriedAgain */
function refuseWhatFailed(context, failed) {
  const failedAt = statSync(failed, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (context.remembersFailures && Math.abs(Date.now() - failedAt) < failureCountsMs)
    throw new NotTriedAgain(`not tried again today (${failed})`);
}

/**
 * A folder that is built once and then shared by all starts and tests. It appears complete or not at all: it is built under another
 * name and renamed, so that a build that was killed is built again. Its failures are kept by `rememberFailures`.
 * @param {Context} context @param {string} name
 * @param {(folder: string) => Promise<void>} build makes it, and throws Failure when what it made does not run here
 * @returns {Promise<string>} the folder
 * @throws Failure
 */
export async function builtOnce(context, name, build) {
  const final = path.join(context.cacheDir, name);
  return existsSync(final) ? final : await builtAnew(context, name, build);
}

/**
 * As builtOnce, whether it is there or not: for what does not run any more. The one that is there stays until the new one is complete.
 * @param {Context} context @param {string} name @param {(folder: string) => Promise<void>} build
 * @returns {Promise<string>} the folder
 * @throws Failure
 */
export async function builtAnew(context, name, build) {
  const final = path.join(context.cacheDir, name);
  const failed = `${final}.failed`;
  const partial = `${final}.partial-${process.pid}`;
  mkdirSync(context.cacheDir, { recursive: true });
  sweep(context.cacheDir);
  refuseWhatFailed(context, failed);
  context.say(existsSync(final) ? `${name} does not run any more: fetching it anew …` : `fetching ${name} …`);
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    await build(partial);
    putInPlace(partial, final);
    rmSync(failed, { force: true });
    return final;
  } catch (error) {
    if (error instanceof Failure && !(error instanceof DiskFull) && !context.signal?.aborted) {
      context.failures.set(failed, error.message);
      context.say(`${name}: not to be had here (${inFewWords(error.message)})`);
    }
    throw error;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/**
 * As builtOnce, for what tells by its version whether it runs: it is built anew when it does not.
 * @param {Context} context @param {string} name @param {(folder: string) => Promise<void>} build
 * @param {(folder: string) => Promise<string>} versionIn throws Failure when it does not run
 * @returns {Promise<{ folder: string, version: string }>}
 * @throws Failure
 */
export async function builtAndRunning(context, name, build, versionIn) {
  const folder = await builtOnce(context, name, build);
  try {
    return { folder, version: await versionIn(folder) };
  } catch (error) {
    context.signal?.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
  }
  await builtAnew(context, name, build);
  return { folder, version: await versionIn(folder) };
}

/** @param {string} partial @param {string} final where one may stand that does not run, or that another start has built meanwhile */
function putInPlace(partial, final) {
  const old = `${partial.replace(/-\d+$/, '')}-old.partial-${process.pid}`;
  if (existsSync(final)) renameSync(final, old);
  try {
    renameSync(partial, final);
  } catch (error) {
    if (!existsSync(final)) throw error;
  }
  rmSync(old, { recursive: true, force: true });
}

/**
 * What could not be built is not tried again for a day, so that only the first start waits for it. Only when a later link has given the
 * engine: who has none must be able to mend the cause and start again.
 * @param {Context} context
 */
export function rememberFailures(context) {
  for (const [file, message] of context.failures) {
    try {
      writeFileSync(file, message);
    } catch {
      return; // then the next start tries it again
    }
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
 * The version of a program that was built or unpacked here.
 * @param {Context} context @param {string} program
 * @returns {Promise<string>}
 * @throws Failure with the program's own words when it does not run
 */
export async function workingVersion(context, program) {
  const { signal, env } = context;
  const text = await run(path.basename(program), program, ['--version'], { signal, env, stallMs });
  const version = /(\d+\.\d+(\.\d+)?)/.exec(text)?.[1];
  if (version === undefined) throw new Failure(`${program} does not say its version`);
  return version;
}

/**
 * How programs run that fill a folder: in it, with their temporary files there, and ended when it has not grown for `stallMs`.
 * @param {Context} context @param {string} partial
 */
export const optionsToFill = (context, partial) => ({
  signal: context.signal,
  env: { ...context.env, TMPDIR: partial },
  stallMs,
  growing: partial,
  cwd: partial,
});

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
