// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { freePort } from './engines.mjs';
import { Failure } from './processes.mjs';

/**
 * The environment of the apps: `.env` of the project folder, over which the real environment wins. An empty value counts as unset.
 * @param {string} projectDir @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function readEnvironment(projectDir, env) {
  const file = path.join(projectDir, '.env');
  const written = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  return Object.fromEntries(Object.entries({ ...written, ...env }).filter(([, value]) => value !== undefined && value !== ''));
}

/**
 * @param {string} name @param {NodeJS.ProcessEnv} env @param {number} unset
 * @returns {number}
 * @throws Failure naming the variable
 */
function portOf(name, env, unset) {
  const text = env[name] ?? String(unset);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new Failure(`${name} must be a port number from 1 to 65535.`);
  return port;
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

/** @param {string} name @param {number} port @param {string | null} why @throws Failure */
function refuseTaken(name, port, why) {
  if (why === null) return;
  if (why === 'EACCES') throw new Failure(`Port ${port} may only be used by root: set ${name} to one from 1024 on, for example ${name}=8080 npm start.`);
  throw new Failure(`Port ${port} is taken by another program: stop that one, or set ${name} to a free port, for example ${name}=${port + 80} npm start.`);
}

/**
 * The ports of both processes, free now. The worker's is nobody's but ours, so it moves by itself unless it was asked for.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<{ api: number, worker: number }>}
 * @throws Failure when one is no port, or taken
 */
export async function choosePorts(env) {
  const api = portOf('PORT', env, 8_000);
  const worker = portOf('WORKER_HEALTH_PORT', env, 8_001);
  refuseTaken('PORT', api, await whyTakenAnywhere(api));
  if (env['WORKER_HEALTH_PORT'] === undefined) {
    const isFree = worker !== api && (await whyTaken(worker, '127.0.0.1')) === null;
    return { api, worker: isFree ? worker : await freePort() };
  }
  if (worker === api) throw new Failure('PORT and WORKER_HEALTH_PORT must differ.');
  refuseTaken('WORKER_HEALTH_PORT', worker, await whyTaken(worker, '127.0.0.1'));
  return { api, worker };
}

/** @param {NodeJS.ProcessEnv} env @returns {boolean} whether nothing says which AI is to answer */
export function isWithoutAi(env) {
  return ['AI_PROVIDER', 'GEMINI_API_KEY', 'OPENAI_API_KEY', 'OPENAI_BASE_URL', 'ANTHROPIC_API_KEY'].every((name) => env[name] === undefined);
}
