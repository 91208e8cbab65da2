// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { INSTALL, whyNotInstalled } from '../build/install.mjs';
import { syncToDisk, writeDurably } from './durable.mjs';
import { byLine } from './log-lines.mjs';
import { Failure, run } from './processes.mjs';

/**
 * `npm ci`, with all packages that are for this platform, whatever npm's settings and NODE_ENV say (the build needs them).
 * @param {string} projectDir @param {NodeJS.ProcessEnv} env @param {AbortSignal} signal
 * @param {(line: string) => void} say hears npm's errors
 */
export async function install(projectDir, env, signal, say) {
  const cli = env['npm_execpath'];
  const [command, before] =
    cli !== undefined && /npm-cli\.[cm]?js$/.test(cli) ? [process.execPath, [cli]] : ['npm', []];
  await run('npm ci', command, [...before, ...INSTALL], {
    cwd: projectDir,
    env,
    signal,
    onOutput: byLine((line) => line.startsWith('npm error') && say(line)),
  });
  const leftOut = whyNotInstalled();
  if (leftOut !== null) throw new Failure(leftOut);
}

/** What the build reads. Editors write others beside it: `.name.ts.swp`, `.#name.ts`, `name.ts~`, `4913`. */
const sourceName = /^[^.#].*\.(?:[cm]?[jt]s|json|sql|md)$/;

/** @param {string} folder @param {string[]} found source files under it with size and times; what vanishes meanwhile is no source */
function listFiles(folder, found) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) listFiles(full, found);
    else if (sourceName.test(entry.name)) addFile(full, found);
  }
}

/** @param {string} file @param {string[]} found */
function addFile(file, found) {
  const stat = statSync(file, { throwIfNoEntry: false });
  // Both times: a file that another one is moved over keeps the other one's age, and only its change is new.
  if (stat?.isFile()) found.push(`${file} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`);
}

/** @param {string} projectDir @returns {string} changes when a file changes that the build reads; takes some 10 ms */
export function sourcesOf(projectDir) {
  /** @type {string[]} */
  const found = [];
  for (const name of ['apps', 'libs', 'tools/build']) listFiles(path.join(projectDir, name), found);
  for (const name of ['package-lock.json', 'tsconfig.base.json']) addFile(path.join(projectDir, name), found);
  return createHash('sha256').update(found.sort().join('\n')).digest('hex');
}

/** @param {string} projectDir @returns {string[]} what a build makes */
const outputsOf = (projectDir) => ['api', 'worker'].map((app) => path.join(projectDir, 'dist', 'apps', app, 'main.js'));

/** @param {string} projectDir @returns {string | null} the sources of the last build that succeeded, null when there is none */
export function builtSources(projectDir) {
  const stamp = path.join(projectDir, 'dist', '.sources');
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : null;
}

/**
 * Whether the apps must be built: the sources are not those of the last build that succeeded.
 * @param {string} projectDir
 */
export function needsBuild(projectDir) {
  return !outputsOf(projectDir).every((file) => existsSync(file)) || builtSources(projectDir) !== sourcesOf(projectDir);
}

/**
 * @param {string} projectDir @param {NodeJS.ProcessEnv} env @param {AbortSignal} signal
 * @param {(line: string) => void} say hears what the build prints: with file and line, what is wrong
 */
export async function build(projectDir, env, signal, say) {
  const stamp = path.join(projectDir, 'dist', '.sources');
  const sources = sourcesOf(projectDir); // before: what changes during the build is built next time
  rmSync(stamp, { force: true });
  await run('the build', process.execPath, [path.join('tools', 'build', 'build.mjs')], {
    cwd: projectDir,
    env,
    signal,
    onOutput: byLine(say),
  });
  mkdirSync(path.dirname(stamp), { recursive: true });
  // The stamp says that the outputs are whole, after a power cut too.
  for (const file of outputsOf(projectDir)) if (existsSync(file)) syncToDisk(file);
  writeDurably(stamp, sources);
}
