// @ts-check
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtOnce, findProgram, findPython, isAtLeast, majorOf, stallMs, versionOf } from './cache.mjs';
import { Failure, launch, run } from './processes.mjs';
import { lookAtMongo } from './ready.mjs';

/**
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./chain.d.mts').Candidate} Candidate
 * @typedef {import('./chain.d.mts').Link} Link
 */

const mongodVersion = '7.0.24';
const secantusVersion = '0.7.0b3';

/** @param {number} port */
export const mongoUrl = (port) => `mongodb://127.0.0.1:${port}/edgechat?directConnection=true`;

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

/** @param {Context} context @returns {Promise<Candidate[]>} */
async function fromDownload(context) {
  const folder = await builtOnce(context, `mongod-${mongodVersion}`, async (partial) => {
    const env = { ...context.env, MONGOMS_PREFER_GLOBAL_PATH: 'false' };
    const args = ['-e', downloader, fileURLToPath(import.meta.url), mongodVersion, partial];
    await run('the download of mongod', process.execPath, args, {
      signal: context.signal,
      env,
      stallMs,
      growing: partial,
    });
  });
  const name = readdirSync(folder).find((entry) => entry.startsWith('mongod'));
  const version = name === undefined ? null : await versionOf(context, path.join(folder, name));
  if (name === undefined || version === null) throw new Failure('the mongod that was downloaded does not run here');
  return [mongodAt(path.join(folder, name), version, 'downloaded by mongodb-memory-server')];
}

/** @param {Context} context @returns {Promise<Candidate[]>} */
async function secantus(context) {
  const python = await findPython(context);
  const venv = await builtOnce(context, `secantusdb-${secantusVersion}`, async (partial) => {
    const options = {
      signal: context.signal,
      env: { ...context.env, TMPDIR: partial },
      stallMs,
      growing: partial,
      cwd: partial,
    };
    await run('python -m venv', python, ['-m', 'venv', partial], options);
    const flags = ['--no-input', '--disable-pip-version-check', '--only-binary=:all:'];
    await run(
      'pip install secantusdb',
      path.join(partial, 'bin', 'python'),
      ['-m', 'pip', 'install', ...flags, `secantusdb==${secantusVersion}`],
      options,
    );
    // An empty settings file of ours: without one it would read whatever lies in the home folder.
    writeFileSync(path.join(partial, 'secantusd.toml'), '');
  });
  const server = path.join(venv, 'bin', 'secantusd-py');
  if (!existsSync(server)) throw new Failure('the package secantusdb holds no secantusd-py');
  return [
    {
      engine: 'SecantusDB',
      major: 0,
      where: 'process',
      describe: `SecantusDB ${secantusVersion} (speaks MongoDB's protocol; PyPI package)`,
      prepare: async () => undefined,
      start: (inner, folder, port, logFile) => {
        // Through its Python, not by itself: the path in its first line is that of the folder it was built in.
        const args = [
          fileURLToPath(new URL('secantusd.py', import.meta.url)),
          server,
          '--config',
          path.join(venv, 'secantusd.toml'),
          '--host',
          '127.0.0.1',
          '--port',
          String(port),
          '--storage-path',
          '.',
          '--sync-on-commit',
        ];
        return launch('SecantusDB', path.join(venv, 'bin', 'python'), args, {
          role: 'engine',
          cwd: folder,
          env: inner.env,
          logFile,
        });
      },
      look: lookAtMongo,
      url: mongoUrl,
    },
  ];
}

/** @type {Link[]} */
export const mongoLinks = [
  { name: 'server on the PATH', find: onThePath, engine: 'MongoDB' },
  { name: 'mongod through mongodb-memory-server', find: fromDownload, engine: 'MongoDB' },
  { name: 'PyPI package secantusdb', find: secantus, engine: 'SecantusDB' },
];
