// @ts-check
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './engines.mjs';
import { readEnvFile } from './env-file.mjs';
import { postgresUrl } from './postgres.mjs';
import { Failure } from './processes.mjs';

/**
 * @typedef {import('./settings.d.mts').Settings} Settings
 * @typedef {import('./settings.d.mts').WorkerSettings} WorkerSettings
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const unsetPorts = { PORT: 8_000, WORKER_HEALTH_PORT: 8_001 };

/**
 * The environment of the apps: `.env` of the project folder, over which the real environment wins. An empty value counts as unset.
 * @param {string} projectDir @param {NodeJS.ProcessEnv} env @param {(sentence: string) => void} [warn] hears of lines that are hardly meant as they are read
 * @returns {NodeJS.ProcessEnv}
 * @throws Failure naming the lines of `.env` that cannot be read
 */
export function readEnvironment(projectDir, env, warn) {
  return Object.fromEntries(
    Object.entries({ ...readEnvFile(projectDir, env, warn), ...env }).filter(
      ([, value]) => value !== undefined && value !== '',
    ),
  );
}

/**
 * What the processes themselves would read and say of these variables: their own code for that, built in memory (some 0.2 s).
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Settings>}
 * @throws Failure naming every variable that is wrong for the API, for the worker or for us, a sentence a line
 */
export async function loadSettings(env) {
  const { buildSync } = await import('esbuild'); // not at the top: this file is read before `npm ci`
  const entryPoints = [path.join(root, 'libs', 'platform', 'config', 'src', 'config.ts')];
  const { outputFiles } = buildSync({
    entryPoints,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  });
  const { loadConfig, ConfigError } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')}`
  );
  /** @type {string[]} */
  const problems = [];
  /** @param {'api' | 'worker'} name */
  const load = (name) => {
    try {
      return loadConfig(env, name);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
    }
  };
  const settings = { api: load('api'), worker: load('worker') };
  problems.push(
    ...portProblems(env).filter((own) => !problems.some((other) => other.split(' ')[0] === own.split(' ')[0])),
  );
  if (problems.length > 0) throw new Failure([...new Set(problems)].join('\n'));
  return settings;
}

/**
 * The variables as they would be read once the stores that none names are started here, which have no passwords: production refuses them in the words that the processes would use, and lets who names
 * them in INSECURE_STORES try it.
 * @param {NodeJS.ProcessEnv} env @returns {NodeJS.ProcessEnv}
 */
export function withOwnStores(env) {
  const isGiven = env['DATABASE_URL'] !== undefined || env['DATABASE_URL_FILE'] !== undefined;
  return isGiven ? env : { ...env, DATABASE_URL: postgresUrl(0) };
}

/** @param {string} host @returns {boolean} whether only programs of this machine reach what listens there */
export const isLoopback = (host) => /^(?:localhost|127\.[0-9.]+|::1)$/i.test(host);

/**
 * The URLs of the stores that were given, also those that stand in files (`DATABASE_URL_FILE`), as variables, and as the processes read them: the apps get the URLs of the engines as
 * variables, and may not have both.
 * @param {NodeJS.ProcessEnv} env @param {WorkerSettings} settings
 * @returns {NodeJS.ProcessEnv}
 */
export function withUrlsOfStores(env, settings) {
  const urls = { DATABASE_URL: settings.databaseUrl, MONGODB_URL: settings.mongodbUrl, REDIS_URL: settings.redisUrl };
  const given = Object.entries(urls).filter(([name]) => env[name] !== undefined || env[`${name}_FILE`] !== undefined);
  const files = new Set(given.map(([name]) => `${name}_FILE`));
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !files.has(name))),
    ...Object.fromEntries(given),
  };
}

/**
 * @param {keyof typeof unsetPorts} name @param {NodeJS.ProcessEnv} env
 * @returns {number | null} null when it is none
 */
function portOf(name, env) {
  const text = env[name] ?? String(unsetPorts[name]);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port < 1 || port > 65_535 ? null : port;
}

/** @param {NodeJS.ProcessEnv} env @returns {string[]} what is wrong with the ports here, where both processes share a machine and we must know where they are */
function portProblems(env) {
  const api = portOf('PORT', env);
  const worker = portOf('WORKER_HEALTH_PORT', env);
  const isSame = api !== null && api === worker && env['WORKER_HEALTH_PORT'] !== undefined;
  return [
    ...(api === null ? ['PORT must be a port number from 1 to 65535.'] : []),
    ...(worker === null ? ['WORKER_HEALTH_PORT must be a port number from 1 to 65535.'] : []),
    ...(isSame ? ['PORT and WORKER_HEALTH_PORT must differ.'] : []),
  ];
}

/** @param {number} port @param {string} [host] @returns {Promise<string | null>} why nobody can listen there, null when it is free */
function whyTaken(port, host) {
  return new Promise((resolve) => {
    const server = createServer().once('error', (error) => resolve('code' in error ? String(error.code) : 'error'));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** @param {number} port @returns {Promise<string | null>} */
async function whyTakenAnywhere(port) {
  return (await whyTaken(port, '127.0.0.1')) ?? (await whyTaken(port, '0.0.0.0'));
}

/** @param {string} host @param {string | null} why nobody can listen there @throws Failure when the reason is the host */
function refuseHost(host, why) {
  if (why === null || why === 'EADDRINUSE' || why === 'EACCES') return;
  if (why === 'ENOTFOUND' || why === 'EAI_AGAIN')
    throw new Failure(
      `HOST is ${host}, and no address is found for that name: set HOST to an address of this machine, 0.0.0.0 for all of them, or leave it out.`,
    );
  if (why === 'EADDRNOTAVAIL')
    throw new Failure(
      `HOST is ${host}, which is no address of this machine: set HOST to an address of this machine, 0.0.0.0 for all of them, or leave it out.`,
    );
  throw new Failure(
    `HOST is ${host}, where nobody can listen (${why}): set HOST to an address of this machine, 0.0.0.0 for all of them, or leave it out.`,
  );
}

/** @param {string} name @param {number} port @param {string | null} why @throws Failure */
function refuseTaken(name, port, why) {
  if (why === null) return;
  if (why === 'EACCES')
    throw new Failure(
      `Port ${port} may only be used by root: set ${name} to one from 1024 on, for example ${name}=8080 npm start.`,
    );
  throw new Failure(
    `Port ${port} is taken by another program: stop that one, or set ${name} to a free port, for example ${name}=${port + 80} npm start.`,
  );
}

/**
 * The ports of both processes, free now. The worker's is nobody's but ours: unless it was asked for it is any free one. A usual one would be taken by two starts that look at
 * the same moment; then one worker ends, after the other has answered for it that it is healthy.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ api: number, worker: number } | null>} null when the variables are wrong, which `loadSettings` says with all others
 * @throws Failure when one is taken, or HOST is no address of this machine
 */
export async function choosePorts(env) {
  const api = portOf('PORT', env);
  const worker = portOf('WORKER_HEALTH_PORT', env);
  if (api === null || worker === null || portProblems(env).length > 0) return null;
  const host = env['HOST'];
  const why = host === undefined ? null : await whyTaken(api, host);
  if (host !== undefined) refuseHost(host, why);
  refuseTaken('PORT', api, why ?? (await whyTakenAnywhere(api)));
  if (env['WORKER_HEALTH_PORT'] === undefined) {
    let any = await freePort();
    while (any === api) any = await freePort();
    return { api, worker: any };
  }
  refuseTaken('WORKER_HEALTH_PORT', worker, await whyTaken(worker, '127.0.0.1'));
  return { api, worker };
}

const keysOf = {
  gemini: 'GEMINI_API_KEY is not set',
  openai: 'neither OPENAI_API_KEY nor OPENAI_BASE_URL is set',
  anthropic: 'ANTHROPIC_API_KEY is not set',
};
const realOnes = 'GEMINI_API_KEY, ANTHROPIC_API_KEY, OPENAI_API_KEY or OPENAI_BASE_URL';

/**
 * Who answers, by the worker's rule (createLanguageModel in libs/assistant; a test holds the two together). Not read from the worker's
 * log, where LOG_LEVEL may hide it.
 * @param {WorkerSettings} settings
 * @returns {string} a line for people, with what to set when nobody does
 */
export function aiLine(settings) {
  const hasKey = {
    gemini: settings.geminiApiKey,
    openai: settings.openaiApiKey ?? settings.openaiBaseUrl,
    anthropic: settings.anthropicApiKey,
  };
  const models = { gemini: settings.geminiModel, openai: settings.openaiModel, anthropic: settings.anthropicModel };
  const named = settings.aiProvider;
  const provider =
    named ?? /** @type {const} */ (['gemini', 'openai', 'anthropic']).find((one) => hasKey[one] !== undefined);
  const isDemo = provider === undefined && settings.aiDemoFallback && settings.appEnv !== 'production';
  if (named === 'demo') return 'AI: the demo assistant answers, as AI_PROVIDER says.';
  if (isDemo) return `AI: the demo assistant answers. For a real one set ${realOnes}.`;
  if (provider === undefined || provider === 'demo') return `AI: nobody answers: set ${realOnes}.`;
  if (hasKey[provider] === undefined) return `AI: nobody answers: AI_PROVIDER is ${provider}, and ${keysOf[provider]}.`;
  return `AI: ${provider} answers, with the model ${models[provider]}.`;
}
