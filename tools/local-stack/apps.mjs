// @ts-check
import path from 'node:path';
import { isStillRunning } from './identity.mjs';
import { byLine, isAboutStart, readable } from './log-lines.mjs';
import { Failure, howEnded, launch, pause, run, tellingLines } from './processes.mjs';

/**
 * @typedef {{ projectDir: string, env: NodeJS.ProcessEnv, drainTimeoutMs: number, signal: AbortSignal, line: (text: string) => void }} AppContext
 * @typedef {{ name: 'api' | 'worker', title: string, healthUrl: string }} AppSpec
 * @typedef {AppSpec & { launched: import('./processes.mjs').Launched, complaint: () => string, isListening: () => boolean }} App
 */

/** What a process takes to close once it has drained (the API at most 1.85 s). */
const closingMs = 3_000;
const healthyWithinMs = 90_000;
const healthEveryMs = 150;

/** What a process needs not know: how `migrate` logs in. @param {NodeJS.ProcessEnv} env @returns {NodeJS.ProcessEnv} */
const withoutOwner = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MIGRATE_')));

/** @param {string} projectDir @param {'api' | 'worker'} name */
const fileOf = (projectDir, name) => path.join(projectDir, 'dist', 'apps', name, 'main.js');

/**
 * Starts one of the two processes; its log is shown readable, and what it says on stderr is kept, to be shown if it ends.
 * @param {AppSpec} spec @param {AppContext} context
 * @returns {Promise<App>}
 */
export async function launchApp(spec, context) {
  const show = byLine((line) => isAboutStart(line) || context.line(readable(spec.name, line)));
  let complaints = '';
  const launched = await launch(
    spec.title,
    process.execPath,
    ['--enable-source-maps', '--max-old-space-size=256', fileOf(context.projectDir, spec.name)],
    {
      role: spec.name,
      patienceMs: context.drainTimeoutMs + closingMs,
      cwd: context.projectDir,
      env: withoutOwner(context.env),
      hasChannel: true,
      onOutput: (text, stream) => {
        if (stream === 'stderr') complaints = (complaints + text).slice(-8_000);
        else show(text);
      },
    },
  );
  let isListening = false;
  launched.child.on('message', (message) => (isListening ||= message === 'listening'));
  return { ...spec, launched, complaint: () => tellingLines(complaints), isListening: () => isListening };
}

/**
 * Waits until a process has its port and says there that it was ready once. Before it has the port, another program may answer there.
 * @param {App} app @param {AbortSignal} signal
 * @throws Failure with the process's own sentence when it ends, or after 90 s
 */
export async function waitUntilHealthy(app, signal) {
  const deadline = Date.now() + healthyWithinMs;
  while (isStillRunning(app.launched)) {
    signal.throwIfAborted();
    if (app.isListening() && (await isHealthy(app.healthUrl))) return;
    if (Date.now() > deadline)
      throw new Failure(`${app.title} was not ready after ${healthyWithinMs / 1_000} s: its lines above say why.`);
    await pause(healthEveryMs);
  }
  signal.throwIfAborted();
  throw new Failure(`${app.title} stopped while starting${app.complaint()}`);
}

/** @param {string} url */
async function isHealthy(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  await answer?.body?.cancel();
  return answer?.ok === true;
}

/** @param {App} app @returns {Promise<string>} a sentence, once it ended */
export async function whenEnded(app) {
  return `${app.title} ended unexpectedly (${howEnded(await app.launched.exited)})${app.complaint()}`;
}

/** @param {string} line @returns {boolean} whether a process warns in this line of its log */
const isWarning = (line) => /^\{"level":"(warn|error)"/.test(line);

/**
 * Brings the schema of PostgreSQL and the indexes of MongoDB up to date. What it warns of meanwhile, such as a store that it waits for, is shown.
 * @param {AppContext} context
 * @throws Failure with the worker's own sentence
 */
export async function migrate(context) {
  const { projectDir, env, signal, line } = context;
  let complaints = '';
  const show = byLine((text) => isWarning(text) && line(readable('worker', text)));
  const onOutput = (/** @type {string} */ text, /** @type {string} */ stream) => {
    if (stream === 'stderr') complaints += text;
    else show(text);
  };
  await run('the migration', process.execPath, [fileOf(projectDir, 'worker'), 'migrate'], {
    cwd: projectDir,
    env,
    signal,
    onOutput,
  }).catch((error) => {
    throw error instanceof Failure && complaints !== '' ? new Failure(complaints.trim().slice(-1_000)) : error;
  });
}
