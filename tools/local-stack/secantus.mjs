// @ts-check
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtAnew, builtOnce, findPython, optionsToFill, stallMs } from './cache.mjs';
import { Failure, launch, run } from './processes.mjs';
import { lookAtMongo, mongoUrl } from './ready.mjs';

/**
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./chain.d.mts').Candidate} Candidate
 */

const version = '0.7.0b3';
const folderName = `secantusdb-${version}`;

/** @param {string} venv */
const programs = (venv) => ({
  python: path.join(venv, 'bin', 'python'),
  server: path.join(venv, 'bin', 'secantusd-py'),
});

/** @param {Context} context @param {string} venv @throws Failure with the program's own words when it does not run */
async function tryServer(context, venv) {
  const { python, server } = programs(venv);
  const { signal, env } = context;
  await run('secantusd-py', python, [server, '--help'], { signal, env, stallMs });
}

/**
 * A Python environment with the server in it. pip is put into it in a step of its own: `venv` would hide why that fails.
 * @param {Context} context @param {string} partial
 */
async function buildEnvironment(context, partial) {
  const python = await findPython(context);
  const options = optionsToFill(context, partial);
  const own = programs(partial).python;
  await run('python -m venv', python, ['-m', 'venv', '--without-pip', partial], options);
  await run('python -m ensurepip', own, ['-Im', 'ensurepip', '--upgrade', '--default-pip'], options);
  const flags = ['--no-input', '--disable-pip-version-check', '--only-binary=:all:'];
  await run('pip install secantusdb', own, ['-m', 'pip', 'install', ...flags, `secantusdb==${version}`], options);
  // An empty settings file of ours: without one it would read whatever lies in the home folder.
  writeFileSync(path.join(partial, 'secantusd.toml'), '');
  await tryServer(context, partial);
}

/** @param {Context} context @returns {Promise<boolean>} whether the environment did not run and is a new one now */
async function renew(context) {
  try {
    await tryServer(context, path.join(context.cacheDir, folderName));
    return false;
  } catch (error) {
    context.signal?.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
  }
  await builtAnew(context, folderName, (partial) => buildEnvironment(context, partial));
  return true;
}

/** @param {Context} context @param {string} folder @param {number} port @param {string} logFile */
function start(context, folder, port, logFile) {
  const venv = path.join(context.cacheDir, folderName);
  const { python, server } = programs(venv);
  const where = ['--host', '127.0.0.1', '--port', String(port), '--storage-path', '.'];
  // Through its Python, not by itself: the path in its first line is that of the folder it was built in.
  const program = fileURLToPath(new URL('secantusd.py', import.meta.url));
  const args = [program, server, '--config', path.join(venv, 'secantusd.toml'), ...where, '--sync-on-commit'];
  return launch('SecantusDB', python, args, { role: 'engine', cwd: folder, env: context.env, logFile });
}

/** @param {Context} context @returns {Promise<Candidate[]>} */
export async function secantus(context) {
  const venv = await builtOnce(context, folderName, (partial) => buildEnvironment(context, partial));
  if (!existsSync(path.join(venv, 'secantusd.toml'))) await renew(context);
  return [
    {
      engine: 'SecantusDB',
      major: 0,
      where: 'process',
      describe: `SecantusDB ${version} (speaks MongoDB's protocol; PyPI package)`,
      prepare: async () => undefined,
      start,
      renew,
      look: lookAtMongo,
      url: mongoUrl,
    },
  ];
}
