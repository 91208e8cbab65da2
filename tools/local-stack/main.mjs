// @ts-check
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled } from '../build/install.mjs';
import { launchApp, migrate, waitUntilHealthy, whenEnded } from './apps.mjs';
import { startEngines } from './engines.mjs';
import { send } from './identity.mjs';
import { DiskFull, Failure, lastLines, livingProcesses, pause } from './processes.mjs';
import { build, install, needsBuild } from './project-state.mjs';
import { endInOrder, takeFolder } from './run-file.mjs';
import { choosePorts, isWithoutAi, readEnvironment } from './settings.mjs';
import { Terminal } from './terminal.mjs';
import { whatToTry } from './what-to-try.mjs';
import { watchSources } from './watch.mjs';

/**
 * @typedef {{ watch?: boolean, projectDir?: string, prepare?: boolean, engines?: Partial<import('./engines.d.mts').EngineOptions> }} StartOptions
 *   `prepare: false`: neither install nor build (for tests, whose project is a stand-in)
 */

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
// npm passes Ctrl-C on to us, and the terminal sends it too: only a later one means impatience.
const impatientAfterMs = 1_000;

/** Somebody wants it to end. */
class Stopped extends Error {
  /** @param {keyof typeof exitCodes} signal */
  constructor(signal) {
    super(signal);
    this.exitCode = exitCodes[signal];
  }
}

/** @returns {AbortController} aborted with Stopped by SIGINT, SIGTERM, SIGHUP, or when nobody reads our output any more */
function untilStopped() {
  const controller = new AbortController();
  let firstAt = 0;
  /** @param {keyof typeof exitCodes} signal */
  const onSignal = (signal) => {
    if (!controller.signal.aborted) {
      firstAt = Date.now();
      controller.abort(new Stopped(signal));
    } else if (Date.now() - firstAt > impatientAfterMs) {
      for (const one of livingProcesses('app', 'engine', 'tool')) send(-one.pid, 'SIGKILL');
    }
  };
  process.on('SIGINT', () => onSignal('SIGINT')).on('SIGTERM', () => onSignal('SIGTERM')).on('SIGHUP', () => onSignal('SIGHUP'));
  // npm that is killed (or a shell between it and us that swallows a signal) would leave us alone with the system: then nobody wants it.
  const parent = process.ppid;
  if (process.env['npm_lifecycle_event'] !== undefined) setInterval(() => process.ppid === parent || onSignal('SIGTERM'), 500).unref();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => onSignal('SIGHUP'));
  return controller;
}

/** @param {unknown} error @returns {string} one sentence for what people can mend; the stack of what is a bug */
function sentenceOf(error) {
  if (error instanceof Failure) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const place = error instanceof Error && 'path' in error ? String(error.path).replace(/[/]run[.]json.*$/, '') : 'The project folder';
  if (code === 'ENOSPC') return new DiskFull().message;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return `${place} cannot be written: make it yours (for example sudo chown -R "$(id -un)" on the folder .data), or start as the user who owns it.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * @param {Terminal} terminal @param {string} projectDir @param {StartOptions} options @param {NodeJS.ProcessEnv} env @param {AbortSignal} signal
 */
async function prepareProject(terminal, projectDir, options, env, signal) {
  if (options.prepare === false) return;
  const say = (/** @type {string} */ line) => terminal.note(line);
  if (!isInstalled()) await terminal.step('Installing packages (npm ci)', () => install(projectDir, env, signal, say));
  if (needsBuild(projectDir)) await terminal.step('Building the API and the worker', () => build(projectDir, env, signal, say));
}

/** @param {Terminal} terminal @param {string} dataDir */
function takeDataFolder(terminal, dataDir) {
  return takeFolder(dataDir, (left, work) => {
    return terminal.step(`Ending what an earlier start has left (${left.map((one) => one.what).join(', ')})`, work);
  });
}

/** @param {NodeJS.ProcessEnv} env @param {{ api: number, worker: number }} ports @param {Record<string, string>} engineUrls @returns {NodeJS.ProcessEnv} */
function appEnvironment(env, ports, engineUrls) {
  const ai = isWithoutAi(env) ? { AI_PROVIDER: 'demo' } : {};
  return { ...env, ...ai, ...engineUrls, PORT: String(ports.api), WORKER_HEALTH_PORT: String(ports.worker) };
}

/**
 * From nothing to serving.
 * @param {Terminal} terminal @param {string} projectDir @param {StartOptions} options @param {AbortSignal} signal
 * @param {(giveBack: () => void) => void} taken called once the folder is ours
 */
async function bringUp(terminal, projectDir, options, signal, taken) {
  const dataDir = path.join(projectDir, '.data');
  taken(await takeDataFolder(terminal, dataDir));
  const env = readEnvironment(projectDir, process.env);
  const ports = await choosePorts(env);
  await prepareProject(terminal, projectDir, options, env, signal);
  const engines = await terminal.step('Starting PostgreSQL, MongoDB and Redis', () =>
    startEngines({
      dataDir, cacheDir: path.join(dataDir, 'engines'), env, allowUrls: true, allowDocker: true, signal, say: (line) => terminal.note(line), ...options.engines,
    }));
  const context = { projectDir, env: appEnvironment(env, ports, engines.env), signal, line: (/** @type {string} */ text) => terminal.line(text) };
  await terminal.step('Migrating the databases', () => migrate(context));
  const bases = { api: `http://${['0.0.0.0', '::'].includes(env['HOST'] ?? '::') ? '127.0.0.1' : env['HOST']}:${ports.api}`, worker: `http://127.0.0.1:${ports.worker}` };
  const launchBoth = async () => {
    const apps = await Promise.all([
      launchApp({ name: 'api', title: 'The API', healthUrl: `${bases.api}/api/v1/health/started` }, context),
      launchApp({ name: 'worker', title: 'The worker', healthUrl: `${bases.worker}/health/started` }, context),
    ]);
    await Promise.all(apps.map((app) => waitUntilHealthy(app, signal)));
    return apps;
  };
  const apps = await terminal.step('Starting the API and the worker', launchBoth);
  await pause(200); // the last lines of their start come before what stays in view
  const list = [engines.postgres, engines.mongo, engines.redis];
  for (const text of whatToTry(bases.api, list.map((engine) => engine.describe), isWithoutAi(env))) terminal.line(text);
  return { apps, engines: list, launchBoth, context };
}

/**
 * Lasts until an engine ends, or (unless changes restart them) a process.
 * @param {Awaited<ReturnType<typeof bringUp>>} system @param {boolean} watch
 * @returns {Promise<never>}
 */
async function untilSomethingEnds({ apps, engines }, watch) {
  const ends = engines.map(async (engine) => {
    await engine.exited;
    return `${engine.describe} ended unexpectedly${lastLines(engine.output())}`;
  });
  throw new Failure(await Promise.race([...ends, ...(watch ? [] : apps.map(whenEnded))]));
}

/** @param {AbortSignal} signal @returns {Promise<never>} */
function untilAborted(signal) {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    if (signal.aborted) reject(signal.reason);
  });
}

/**
 * Runs the whole system from this folder until it is stopped; everything it started is ended before it returns.
 * @param {StartOptions} [options]
 * @returns {Promise<number>} the exit code: 0 when stopped while up, 128 + signal while starting, 1 with a sentence on stderr otherwise
 */
export async function start(options = {}) {
  const projectDir = options.projectDir ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
  const terminal = new Terminal(process.stdout);
  const { signal } = untilStopped();
  let giveBack = () => {};
  let isUp = false;
  let sentence = '';
  let exitCode = 1;
  try {
    const system = await bringUp(terminal, projectDir, options, signal, (back) => (giveBack = back));
    isUp = true;
    const watching = options.watch === true ? [watchSources(projectDir, system, terminal)] : [];
    await Promise.race([untilAborted(signal), untilSomethingEnds(system, options.watch === true), ...watching]);
  } catch (error) {
    if (error instanceof Stopped) exitCode = isUp ? 0 : error.exitCode;
    else sentence = sentenceOf(error);
  } finally {
    const left = livingProcesses('app', 'engine', 'tool');
    if (left.length > 0) await terminal.step('Stopping', () => endInOrder(left));
    giveBack();
  }
  if (sentence !== '') console.error(`\n${sentence}`);
  return exitCode;
}
