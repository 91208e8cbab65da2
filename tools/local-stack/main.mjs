// @ts-check
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled } from '../build/install.mjs';
import { launchApp, migrate, waitUntilHealthy, whenEnded } from './apps.mjs';
import { startEngines, withoutSecrets } from './engines.mjs';
import { Failure, howEnded, livingProcesses, pause } from './processes.mjs';
import { build, install, needsBuild } from './project-state.mjs';
import { closeToOthers } from './private-folder.mjs';
import { endInOrder, takeFolder } from './run-file.mjs';
import {
  aiLine,
  choosePorts,
  isLoopback,
  loadSettings,
  readEnvironment,
  withOwnStores,
  withUrlsOfStores,
} from './settings.mjs';
import { sentenceOf } from './sentence.mjs';
import { Stopped, causeOf, untilStopped } from './stopping.mjs';
import { forgetStores, tellStores } from './stores-file.mjs';
import { Terminal } from './terminal.mjs';
import { whatToTry } from './what-to-try.mjs';
import { watchSources } from './watch.mjs';

/**
 * @typedef {{ watch?: boolean, projectDir?: string, prepare?: boolean, engines?: Partial<import('./engines.d.mts').EngineOptions> }} StartOptions
 *   `prepare: false`: neither install nor build (for tests, whose project is a stand-in)
 */

/** For what API and worker still do when a part of the system is gone: most of it would wait for that part. */
const hurriedMs = 2_000;
const tellWaitAfterMs = 2_000;

/**
 * @param {Terminal} terminal @param {string} projectDir @param {StartOptions} options @param {NodeJS.ProcessEnv} env @param {AbortSignal} signal
 */
async function prepareProject(terminal, projectDir, options, env, signal) {
  if (options.prepare === false) return;
  const say = (/** @type {string} */ line) => terminal.note(line);
  if (!isInstalled()) await terminal.step('Installing packages (npm ci)', () => install(projectDir, env, signal, say));
  if (needsBuild(projectDir))
    await terminal.step('Building the API and the worker', () => build(projectDir, env, signal, say));
}

/** @param {Terminal} terminal @param {string} dataDir */
function takeDataFolder(terminal, dataDir) {
  return takeFolder(dataDir, (left, work) => {
    return terminal.step(`Ending what an earlier start has left (${left.map((one) => one.what).join(', ')})`, work);
  });
}

/**
 * The variables of both processes, from `.env` and ours. Who set nothing gets the demo assistant where nobody else would answer.
 * @param {Terminal} terminal @param {string} projectDir @param {StartOptions} options @param {AbortSignal} signal
 * @throws Failure naming all that are wrong, or a port that is taken
 */
async function prepare(terminal, projectDir, options, signal) {
  const read = readEnvironment(projectDir, process.env, (sentence) => terminal.line(sentence));
  const ports = await choosePorts(read);
  await prepareProject(terminal, projectDir, options, withoutSecrets(read), signal);
  const env = { AI_DEMO_FALLBACK: 'true', ...read };
  const settings = await loadSettings(withOwnStores(env));
  if (ports === null) throw new Failure('PORT and WORKER_HEALTH_PORT must be two port numbers.');
  const shown = { isOpen: !isLoopback(settings.api.host), hasDocs: settings.api.docs };
  const host = ['0.0.0.0', '::'].includes(settings.api.host) ? '127.0.0.1' : settings.api.host;
  const bases = {
    api: `http://${host.includes(':') ? `[${host}]` : host}:${ports.api}`,
    worker: `http://127.0.0.1:${ports.worker}`,
  };
  const appEnv = {
    ...withUrlsOfStores(env, settings.worker),
    PORT: String(ports.api),
    WORKER_HEALTH_PORT: String(ports.worker),
  };
  return { env: appEnv, settings: settings.worker, bases, shown };
}

/**
 * @param {Terminal} terminal @param {string} dataDir @param {NodeJS.ProcessEnv} env @param {StartOptions} options
 * @param {AbortController} controller aborted when an engine ends
 */
async function bringUpEngines(terminal, dataDir, env, options, controller) {
  const engines = await terminal.step('Starting PostgreSQL, MongoDB and Redis', () =>
    startEngines({
      dataDir,
      cacheDir: path.join(dataDir, 'engines'),
      env,
      allowUrls: true,
      allowDocker: true,
      signal: controller.signal,
      say: (line) => terminal.note(line),
      ...options.engines,
    }),
  );
  const list = [engines.postgres, engines.mongo, engines.redis];
  for (const engine of list) void whyEngineEnded(engine).then((sentence) => controller.abort(new Failure(sentence)));
  return { env: engines.env, described: list.map((engine) => engine.describe) };
}

/**
 * @param {{ api: string, worker: string }} bases @param {import('./apps.mjs').AppContext} context
 * @returns {Promise<import('./apps.mjs').App[]>} both, ready
 */
async function launchApps(bases, context) {
  const apps = await Promise.all([
    launchApp({ name: 'api', title: 'The API', healthUrl: `${bases.api}/api/v1/health/started` }, context),
    launchApp({ name: 'worker', title: 'The worker', healthUrl: `${bases.worker}/health/started` }, context),
  ]);
  await Promise.all(apps.map((app) => waitUntilHealthy(app, context.signal)));
  return apps;
}

/**
 * From nothing to serving.
 * @param {Terminal} terminal @param {string} projectDir @param {StartOptions} options @param {AbortController} controller aborted when an engine ends
 * @param {(giveBack: () => void) => void} taken called once the folder is ours
 */
async function bringUp(terminal, projectDir, options, controller, taken) {
  const { signal } = controller;
  const dataDir = path.join(projectDir, '.data');
  const giveBack = await takeDataFolder(terminal, dataDir);
  taken(() => {
    forgetStores(dataDir);
    giveBack();
  });
  if (!closeToOthers(dataDir))
    terminal.line(
      `WARNING: ${dataDir} cannot be closed to the other users of this machine, who may be able to read what is in it: make it yours (sudo chown -R "$(id -un)" on it), or keep this project where files have owners.`,
    );
  signal.throwIfAborted();
  const { env, settings, bases, shown } = await prepare(terminal, projectDir, options, signal);
  const engines = await bringUpEngines(terminal, dataDir, env, options, controller);
  const context = {
    projectDir,
    env: { ...env, ...engines.env },
    drainTimeoutMs: settings.drainTimeoutMs,
    signal,
    line: (/** @type {string} */ text) => terminal.line(text),
  };
  await terminal.step('Migrating the databases', () => migrate(context));
  tellStores(dataDir, engines.env, env);
  const launchBoth = () => launchApps(bases, context);
  const apps = await terminal.step('Starting the API and the worker', launchBoth);
  await pause(200); // the last lines of their start come before what stays in view
  for (const text of whatToTry(bases.api, engines.described, aiLine(settings), shown)) terminal.line(text);
  return { apps, launchBoth, context };
}

/** @param {import('./engines.d.mts').Engine} engine @returns {Promise<string>} a sentence, once it ended */
async function whyEngineEnded(engine) {
  return `${engine.describe} ended unexpectedly (${howEnded(await engine.exited)})${engine.lastWords()}`;
}

/** @param {AbortSignal} signal @returns {Promise<never>} */
function untilAborted(signal) {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    if (signal.aborted) reject(signal.reason);
  });
}

/**
 * Ends all that runs. After a stop that was asked for, open requests and answers may end first; a later Ctrl-C ends that.
 * @param {Terminal} terminal @param {boolean} isHurried
 */
async function endAll(terminal, isHurried) {
  const left = livingProcesses();
  if (left.length === 0) return;
  await terminal.step('Stopping', async () => {
    const timer = setTimeout(
      () =>
        isHurried ||
        terminal.note(
          'open requests and answers may end first (DRAIN_TIMEOUT_MS); Ctrl-C again ends everything at once',
        ),
      tellWaitAfterMs,
    );
    await endInOrder(left, isHurried ? hurriedMs : Infinity);
    clearTimeout(timer);
  });
}

/**
 * Runs the whole system from this folder until it is stopped, or a part of it ends by itself (what changes restart may end); everything
 * it started is ended before it returns.
 * @param {StartOptions} [options]
 * @returns {Promise<number>} the exit code: 0 when stopped while up, 128 + signal while starting, 1 with a sentence on stderr otherwise
 */
export async function start(options = {}) {
  const projectDir = options.projectDir ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
  const terminal = new Terminal(process.stdout);
  const controller = untilStopped();
  let giveBack = () => {};
  let isUp = false;
  let exitCode = 1;
  try {
    const system = await bringUp(terminal, projectDir, options, controller, (back) => (giveBack = back));
    isUp = true;
    const watching = options.watch === true ? [watchSources(projectDir, system, terminal)] : [];
    if (options.watch !== true)
      for (const app of system.apps) void whenEnded(app).then((sentence) => controller.abort(new Failure(sentence)));
    await Promise.race([untilAborted(controller.signal), ...watching]);
  } catch (error) {
    const cause = await causeOf(error, controller.signal);
    if (cause instanceof Stopped) exitCode = isUp ? 0 : cause.exitCode;
    else console.error(`\n${sentenceOf(cause)}`);
    controller.abort(cause); // whatever is still under way ends too
  } finally {
    await endAll(terminal, !(controller.signal.reason instanceof Stopped));
    giveBack();
  }
  return exitCode;
}
