// @ts-check
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtAndRunning, findProgram, isAtLeast, majorOf, stallMs, versionOf, workingVersion } from './cache.mjs';
import { Failure, launch, run } from './processes.mjs';
import { lookAtMongo, mongoUrl } from './ready.mjs';
import { secantus } from './secantus.mjs';

/**
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./chain.d.mts').Candidate} Candidate
 * @typedef {import('./chain.d.mts').Link} Link
 */

const mongodVersion = '7.0.24';

/** @param {string} server @param {string} version @param {string} source @returns {Candidate} */
function mongodAt(server, version, source) {
  return {
    engine: 'MongoDB',
    major: majorOf(version),
    where: 'process',
    describe: `MongoDB ${version} (${source})`,
    prepare: async () => undefined,
    start: (context, folder, port, logFile) =>
      launch(
        'MongoDB',
        server,
        [
          '--dbpath',
          '.',
          '--bind_ip',
          '127.0.0.1',
          '--port',
          String(port),
          '--nounixsocket',
          '--wiredTigerCacheSizeGB',
          '0.5',
        ],
        {
          role: 'engine',
          cwd: folder,
          env: context.env,
          logFile,
        },
      ),
    look: lookAtMongo,
    url: mongoUrl,
  };
}

/** @param {Context} context @returns {Promise<Candidate[]>} */
async function onThePath(context) {
  const candidates = [];
  const passedOver = [];
  for (const server of findProgram('mongod', context.env)) {
    const version = await versionOf(context, server);
    if (version !== null && isAtLeast(version, 6)) candidates.push(mongodAt(server, version, server));
    else passedOver.push(`${server} is ${version ?? 'not runnable'}`);
  }
  if (candidates.length === 0)
    throw new Failure(passedOver.length === 0 ? 'none found' : `6 or newer is needed, and ${passedOver.join(', ')}`);
  return candidates;
}

/** Run as a process of its own, so that an abort ends a download too. */
const downloader = `
  const { createRequire } = require('node:module');
  const { MongoBinary } = createRequire(process.argv[1])('mongodb-memory-server-core/lib/util/MongoBinary');
  MongoBinary.getPath({ version: process.argv[2], downloadDir: process.argv[3] }).then(
    (file) => console.log(file),
    (error) => { console.error(error.message); process.exit(1); },
  );`;

/** @param {string} folder @returns {string} the program in it */
const mongodIn = (folder) =>
  path.join(folder, readdirSync(folder).find((entry) => entry.startsWith('mongod')) ?? 'mongod');

/** @param {Context} context @param {string} partial */
async function download(context, partial) {
  const env = { ...context.env, MONGOMS_PREFER_GLOBAL_PATH: 'false' };
  const args = ['-e', downloader, fileURLToPath(import.meta.url), mongodVersion, partial];
  await run('the download of mongod', process.execPath, args, {
    signal: context.signal,
    env,
    stallMs,
    growing: partial,
  });
  await workingVersion(context, mongodIn(partial));
}

/** @param {Context} context @returns {Promise<Candidate[]>} */
async function fromDownload(context) {
  const { folder, version } = await builtAndRunning(
    context,
    `mongod-${mongodVersion}`,
    (partial) => download(context, partial),
    (made) => workingVersion(context, mongodIn(made)),
  );
  return [mongodAt(mongodIn(folder), version, 'downloaded by mongodb-memory-server')];
}

/** @type {Link[]} */
export const mongoLinks = [
  { name: 'server on the PATH', find: onThePath, engine: 'MongoDB' },
  { name: 'mongod through mongodb-memory-server', find: fromDownload, engine: 'MongoDB' },
  { name: 'PyPI package secantusdb', find: secantus, engine: 'SecantusDB' },
];
