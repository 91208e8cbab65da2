// @ts-check
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startByChain } from './walk-chain.mjs';
import { nameOf, readRecord } from './data-record.mjs';
import { dockerLink } from './docker.mjs';
import { fromUrl } from './engine.mjs';
import { startGuard } from './guard.mjs';
import { mongoLinks } from './mongo.mjs';
import { postgresLinks } from './postgres.mjs';
import { makePrivate } from './private-folder.mjs';
import { Failure } from './processes.mjs';
import { redisLinks } from './redis.mjs';

/**
 * What must hold here:
 * 1. The first link of the chain that can give an engine gives it; each gives up after 20 s without progress.
 * 2. Data is only ever opened by the engine and major version that wrote it (`<dataDir>/<kind>/engine.json`). Redis, whose data may be lost,
 *    begins without it when they cannot be had.
 * 3. An engine is a process of ours (or one behind a URL that was given), listens on 127.0.0.1 only, and ends before we do.
 * 4. Nothing is written outside `dataDir` and `cacheDir` (Docker keeps its volumes itself).
 * 5. Data is its owner's alone (private-folder.mjs).
 *
 * @typedef {import('./engines.d.mts').Kind} Kind
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./chain.d.mts').Identity} Identity
 * @typedef {import('./chain.d.mts').Link} Link
 * @typedef {import('./engines.d.mts').EngineOptions} EngineOptions
 */

const projectDir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** @type {Record<Kind, { engine: string, variable: string, links: Link[], advice: string }>} */
const chains = {
  postgres: {
    engine: 'PostgreSQL',
    variable: 'DATABASE_URL',
    links: postgresLinks,
    advice: 'PostgreSQL 15 or newer (Debian: apt install postgresql; macOS: brew install postgresql@16)',
  },
  mongo: {
    engine: 'MongoDB',
    variable: 'MONGODB_URL',
    links: mongoLinks,
    advice: 'MongoDB 6 or newer, or Python 3.10 or newer with venv and pip (Debian: apt install python3-venv)',
  },
  redis: {
    engine: 'Redis',
    variable: 'REDIS_URL',
    links: redisLinks,
    advice: 'Redis 6.2 or newer (Debian: apt install redis-server; macOS: brew install redis)',
  },
};

const secantusAdvice =
  'It needs Python 3.10 or newer with venv and pip (Debian: apt install python3-venv), and the first time PyPI: see to them';

/** What engines, installers and downloads need not know. @param {NodeJS.ProcessEnv} env @returns {NodeJS.ProcessEnv} */
export function withoutSecrets(env) {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(JWT_SECRET|JWT_SECRET_PREVIOUS|[A-Z]+_API_KEY)(_FILE)?$/.test(name)),
  );
}

/** @returns {Promise<number>} a port of 127.0.0.1 that nobody has now */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** @param {Identity} record @param {string} advice @returns {string} how to come by the engine that wrote the data */
function howToHave(record, advice) {
  if (record.where === 'docker') return 'Start Docker, or install it again';
  return record.engine === 'SecantusDB' ? secantusAdvice : `Install ${nameOf(record)} again (${advice})`;
}

/**
 * Nobody could give the engine: says what was tried, and what to do. Data is never to be moved away for want of an engine.
 * @param {Kind} kind @param {import('./walk-chain.mjs').Story} story @param {Identity | null} record @param {string} home
 */
function missing(kind, { tried, refused }, record, home) {
  const { engine, advice, variable } = chains[kind];
  const list = tried.map((line) => `\n  - ${line}`).join('');
  if (record === null)
    return new Failure(
      `No ${engine} could be started. Install ${advice}, start Docker, or set ${variable}. Tried:${list}`,
    );
  if (refused.length > 0 && kind !== 'redis')
    return new Failure(
      `${nameOf(record)} is here, but does not start with the data in ${home}. Its log is ${home}/server.log. If the data is damaged, put a backup back (docs/deploy.md); to begin without any, move that folder away.${refused.map((line) => `\n  - ${line}`).join('')}`,
    );
  return new Failure(
    `The data in ${home} was written by ${nameOf(record)}, which cannot be started now. ${howToHave(record, advice)}, and start again: the data stays as it is. Tried:${list}`,
  );
}

/**
 * Starts one engine by the chain: a URL in the environment, a server on the PATH, Docker, packages. The data of a kind is kept in
 * `<dataDir>/<kind>`. May take minutes when packages have to come; `say` hears what is tried.
 * @param {Kind} kind @param {EngineOptions} options
 * @returns {Promise<Engine>} serving, its database made
 * @throws Failure with the whole story when no link gives one; DiskFull; the signal's reason when aborted (nothing is left running then)
 */
export async function startEngine(kind, options) {
  const env = options.env ?? process.env;
  const url = env[chains[kind].variable];
  if (options.allowUrls === true && url !== undefined && url !== '')
    return fromUrl(kind, chains[kind], url, options.signal);
  const home = path.join(path.resolve(options.dataDir), kind);
  const context = contextOf(kind, options);
  if (options.guard === true) startGuard();
  makePrivate(home);
  const record = readRecord(home, context.say);
  const [first, ...rest] = chains[kind].links;
  const links = [first, ...(options.allowDocker === true ? [dockerLink] : []), ...rest].filter(
    (link) => link !== undefined && (options.links === undefined || options.links.includes(link.name)),
  );
  const port = async () => options.port ?? (await freePort());
  const found = await startByChain({ links, context, home, record, port, mayBeEmpty: kind === 'redis' });
  if (!('tried' in found)) return found;
  const tried = options.allowUrls === true ? [`${chains[kind].variable}: not set`, ...found.tried] : found.tried;
  throw missing(kind, { ...found, tried }, record, home);
}

/** @param {Kind} kind @param {EngineOptions} options @returns {Context} */
function contextOf(kind, options) {
  return {
    kind,
    env: withoutSecrets(options.env ?? process.env),
    cacheDir: options.cacheDir ?? path.join(projectDir, '.data', 'engines'),
    temporary: options.temporary === true,
    say: options.say ?? (() => undefined),
    remembersFailures: true,
    failures: new Map(),
    ...(options.redisUser === undefined ? {} : { redisUser: options.redisUser }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

/**
 * Starts all three at once; if one cannot be had the others are stopped again.
 * @param {EngineOptions & { ports?: Partial<Record<Kind, number>> }} options
 * @returns {Promise<import('./engines.d.mts').Engines>}
 * @throws as startEngine, the first failure
 */
export async function startEngines(options) {
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  /** @param {Kind} kind */
  const startOne = async (kind) => {
    const port = options.ports?.[kind];
    return startEngine(kind, { ...options, signal, ...(port === undefined ? {} : { port }) }).catch((error) => {
      failed.abort(error);
      throw error;
    });
  };
  const settled = await Promise.allSettled([startOne('postgres'), startOne('mongo'), startOne('redis')]);
  const started = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const [postgres, mongo, redis] = started;
  if (started.length < 3 || postgres === undefined || mongo === undefined || redis === undefined) {
    await Promise.all(started.map((engine) => engine.stop()));
    throw options.signal?.aborted ? options.signal.reason : failed.signal.reason;
  }
  return {
    postgres,
    mongo,
    redis,
    env: { DATABASE_URL: postgres.url, MONGODB_URL: mongo.url, REDIS_URL: redis.url },
    stop: async () => void (await Promise.all(started.map((engine) => engine.stop()))),
    kill: async () => void (await Promise.all(started.map((engine) => engine.kill()))),
  };
}
