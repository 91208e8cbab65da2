// @ts-check
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dockerLink } from './docker.mjs';
import { Engine, fromUrl } from './engine.mjs';
import { startGuard } from './guard.mjs';
import { mongoLinks } from './mongo.mjs';
import { postgresLinks } from './postgres.mjs';
import { DiskFull, Failure } from './processes.mjs';
import { redisLinks } from './redis.mjs';

/**
 * What must hold here:
 * 1. The first link of the chain that can give an engine gives it; each gives up after 20 s without progress.
 * 2. Data is only ever opened by the engine and major version that wrote it (`<dataDir>/<kind>/engine.json`).
 * 3. An engine is a process of ours (or one behind a URL that was given), listens on 127.0.0.1 only, and ends before we do.
 * 4. Nothing is written outside `dataDir` and `cacheDir` (Docker keeps its volumes itself).
 *
 * @typedef {import('./engines.d.mts').Kind} Kind
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./chain.d.mts').Identity} Identity
 * @typedef {import('./chain.d.mts').Candidate} Candidate
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

/** @param {string} file @returns {Identity | null} which engine wrote the data, null when there is none yet */
function readRecord(file) {
  /** @type {string} */
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return null;
  }
  return JSON.parse(text);
}

/** @param {string} file @param {Identity} identity */
function writeRecord(file, { engine, major, where }) {
  writeFileSync(`${file}.new`, `${JSON.stringify({ engine, major, where })}\n`);
  renameSync(`${file}.new`, file);
}

/** @param {Identity} one @param {Identity} other */
const isSame = (one, other) => one.engine === other.engine && one.major === other.major && one.where === other.where;

/** @param {Identity} identity */
const nameOf = ({ engine, major, where }) => `${engine} ${major}${where === 'docker' ? ' in Docker' : ''}`;

/**
 * Nobody could give the engine: says what was tried, and what to do.
 * @param {Kind} kind @param {string[]} tried @param {Identity | null} record @param {string} home
 */
function missing(kind, tried, record, home) {
  const { engine, advice, variable } = chains[kind];
  const list = tried.map((line) => `\n  - ${line}`).join('');
  if (record !== null) {
    return new Failure(
      `The data in ${home} was written by ${nameOf(record)}, which cannot be started now. Install it again, or move that folder away to begin with an empty one. Tried:${list}`,
    );
  }
  return new Failure(
    `No ${engine} could be started. Install ${advice}, start Docker, or set ${variable}. Tried:${list}`,
  );
}

/**
 * One candidate, from nothing to serving.
 * @param {Candidate} candidate @param {Context} context @param {string} home @param {number | undefined} wishedPort
 */
async function begin(candidate, context, home, wishedPort) {
  const folder = path.join(
    home,
    `${candidate.engine.toLowerCase()}-${candidate.major}${candidate.where === 'docker' ? '-docker' : ''}`,
  );
  mkdirSync(folder, { recursive: true });
  await candidate.prepare(context, folder);
  const engine = new Engine(candidate, context, folder, wishedPort ?? (await freePort()));
  await engine.restart();
  writeRecord(path.join(home, 'engine.json'), candidate);
  context.say(engine.describe);
  return engine;
}

/**
 * @param {Link} link @param {Context} context @param {Identity | null} record @param {string[]} tried
 * @returns {Promise<Candidate[]>} those that may open the data; why others may not goes to `tried`
 */
async function candidatesOf(link, context, record, tried) {
  const found = await link.find(context);
  if (record === null) return found;
  const fitting = found.filter((candidate) => isSame(candidate, record));
  if (fitting.length === 0) tried.push(`${link.name}: has ${found.map(nameOf).join(', ')}`);
  return fitting;
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
  const cacheDir = options.cacheDir ?? path.join(projectDir, '.data', 'engines');
  const context = {
    kind,
    env: withoutSecrets(env),
    cacheDir,
    temporary: options.temporary === true,
    say: options.say ?? (() => undefined),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  if (options.guard === true) startGuard();
  mkdirSync(home, { recursive: true });
  const record = readRecord(path.join(home, 'engine.json'));
  const [first, ...rest] = chains[kind].links;
  const links = [first, ...(options.allowDocker === true ? [dockerLink] : []), ...rest].filter(
    (link) => link !== undefined,
  );
  /** @type {string[]} */
  const tried = options.allowUrls === true ? [`${chains[kind].variable}: not set`] : [];
  for (const link of links) {
    if (options.links !== undefined && !options.links.includes(link.name)) continue;
    if (record !== null && link.engine !== undefined && link.engine !== record.engine) continue;
    try {
      for (const candidate of await candidatesOf(link, context, record, tried))
        return await begin(candidate, context, home, options.port);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') throw new DiskFull();
      if (!(error instanceof Failure) || error instanceof DiskFull) throw error;
      tried.push(`${link.name}: ${error.message}`);
    }
  }
  throw missing(kind, tried, record, home);
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
