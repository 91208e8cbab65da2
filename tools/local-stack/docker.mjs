// @ts-check
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from './cache.mjs';
import { writeDurably } from './durable.mjs';
import { database, postgresUrl, user } from './postgres.mjs';
import { Failure, launch, run } from './processes.mjs';
import { lookAtMongo, lookAtPostgres, lookAtRedis, mongoUrl } from './ready.mjs';
import { redisSettings } from './redis.mjs';

/**
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./chain.d.mts').Candidate} Candidate
 * @typedef {import('./chain.d.mts').Link} Link
 * @typedef {{ engine: string, major: number, image: string, port: number, volume: string, options: string[], args: string[],
 *   look: Candidate['look'], url: Candidate['url'] }} Recipe
 */

const daemonAnswersMs = 5_000;
// docker pull prints nothing during a layer when its output is no terminal: more patience than for what can be watched.
const pullStallMs = 90_000;

/** The images of docker-compose.yml. @type {Record<import('./engines.d.mts').Kind, Recipe>} */
const recipes = {
  postgres: {
    engine: 'PostgreSQL',
    major: 16,
    image: 'postgres:16-alpine',
    port: 5432,
    volume: '/var/lib/postgresql/data',
    args: [],
    options: [
      '-e',
      `POSTGRES_USER=${user}`,
      '-e',
      `POSTGRES_DB=${database}`,
      '-e',
      'POSTGRES_HOST_AUTH_METHOD=trust',
      '-e',
      'POSTGRES_INITDB_ARGS=--encoding=UTF8 --locale=C.UTF-8',
    ],
    look: (port) => lookAtPostgres(port, user, database),
    url: postgresUrl,
  },
  mongo: {
    engine: 'MongoDB',
    major: 7,
    image: 'mongo:7',
    port: 27017,
    volume: '/data/db',
    options: [],
    args: [],
    look: lookAtMongo,
    url: mongoUrl,
  },
  redis: {
    engine: 'Redis',
    major: 7,
    image: 'redis:7-alpine',
    port: 6379,
    volume: '/data',
    options: [],
    args: ['redis-server', ...redisSettings],
    look: lookAtRedis,
    url: (port) => `redis://127.0.0.1:${port}/0`,
  },
};

/**
 * The name of the container and its volume, made once and kept in the data folder: who removes that folder begins with an empty volume.
 * @param {Context} context @param {string} folder
 */
function nameIn(context, folder) {
  const file = path.join(folder, 'volume');
  if (!existsSync(file)) writeDurably(file, `edgechat-${context.kind}-${randomBytes(6).toString('hex')}`);
  const name = readFileSync(file, 'utf8').trim();
  if (!/^edgechat-[a-z]+-[0-9a-f]{12}$/.test(name))
    throw new Failure(
      `${file} is damaged: it names the Docker volume that holds the data. docker volume ls --filter name=edgechat-${context.kind} lists yours; write its name into that file.`,
    );
  return name;
}

/**
 * The data is in a volume, not in the data folder, since the servers in the images are other users than the one out here.
 * @param {Context} context @param {Recipe} recipe @returns {Candidate}
 */
function candidateOf(context, recipe) {
  const { signal, env } = context;
  /** @param {string[]} args */
  const docker = (args) => run(`docker ${args[0]}`, 'docker', args, { signal, env, stallMs: pullStallMs });
  return {
    engine: recipe.engine,
    major: recipe.major,
    where: 'docker',
    describe: `${recipe.engine} ${recipe.major} (Docker image ${recipe.image})`,
    prepare: async () => {
      const images = await docker(['images', '--quiet', recipe.image]);
      if (images.trim() !== '') return;
      context.say(`pulling the image ${recipe.image} …`);
      await docker(['pull', recipe.image]);
    },
    start: async (_, folder, port, logFile) => {
      const name = nameIn(context, folder);
      await docker(['rm', '--force', name]).catch((error) => (error instanceof Failure ? '' : Promise.reject(error)));
      const where = ['--publish', `127.0.0.1:${port}:${recipe.port}`, '--volume', `${name}:${recipe.volume}`];
      // In the foreground: the client passes our signals on to the server, and ends with it.
      const args = ['run', '--rm', '--name', name, ...where, ...recipe.options, recipe.image, ...recipe.args];
      return launch(`${recipe.engine} in Docker`, 'docker', args, { role: 'engine', cwd: folder, env, logFile });
    },
    look: recipe.look,
    url: recipe.url,
  };
}

/** @type {Link} */
export const dockerLink = {
  name: 'Docker',
  find: async (context) => {
    if (findProgram('docker', context.env).length === 0) throw new Failure('not installed');
    const { signal, env } = context;
    await run('docker version', 'docker', ['version', '--format', '{{.Server.Version}}'], {
      signal,
      env,
      stallMs: daemonAnswersMs,
    }).catch((error) => {
      throw error instanceof Failure ? new Failure('its daemon does not answer') : error;
    });
    return [candidateOf(context, recipes[context.kind])];
  },
};
