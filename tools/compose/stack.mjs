import { createServer } from 'node:net';
import { devNull } from 'node:os';
import { delimiter, join } from 'node:path';
import { eventually, must } from './checks.mjs';
import { docker, inspect, ROOT, run, RUN } from './docker.mjs';

const BASE = 'docker-compose.yml';

/** Names of the projects that were made, to be taken down in the end. */
export const projects = [];

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '0.0.0.0', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** One project of docker compose: the real files, under a name and on a port of its own. */
export class Stack {
  constructor(name, port) {
    this.project = `${RUN}-${name}`;
    this.url = `http://127.0.0.1:${port}`;
    this.env = {
      PORT: String(port),
      EDGECHAT_IMAGES: RUN,
      EDGECHAT_VERSION: 'test',
      EDGECHAT_REVISION: RUN,
      // All accounts of a test are made from one address.
      REGISTRATIONS_PER_HOUR: 'unlimited',
      REGISTRATIONS_PER_DAY: 'unlimited',
    };
    this.files = [BASE];
    projects.push(this.project);
  }

  static async make(name) {
    return new Stack(name, await freePort());
  }

  /** Adds an overlay (a path in the repository, or an absolute one) and variables. */
  with(file, env = {}) {
    if (file !== null) this.files.push(file);
    Object.assign(this.env, env);
    return this;
  }

  /** The same project with one more overlay, for a command or two; this one is left as it is. */
  plus(...files) {
    const other = Object.create(Object.getPrototypeOf(this), Object.getOwnPropertyDescriptors(this));
    other.files = [...this.files, ...files];
    return other;
  }

  get paths() {
    return this.files.map((file) => (file.startsWith('/') ? file : join(ROOT, file)));
  }

  /** What scripts need that call docker compose themselves. */
  scriptEnv() {
    return {
      ...this.env,
      COMPOSE_PROJECT_NAME: this.project,
      COMPOSE_FILE: this.paths.join(delimiter),
      COMPOSE_ENV_FILES: devNull,
    };
  }

  /** Runs docker compose to its end; never throws. A .env beside the compose file is not read. */
  compose(...args) {
    const files = this.paths.flatMap((file) => ['-f', file]);
    return run(
      'docker',
      ['compose', '--env-file', devNull, '-p', this.project, '--progress', 'plain', ...files, ...args],
      { env: this.env, timeoutMs: 900_000 },
    );
  }

  /** `compose` that has to go well. @throws Unmet with its last words */
  async do(...args) {
    const { code, stdout, output } = await this.compose(...args);
    must(code === 0, `docker compose ${args.join(' ')} ended with ${code}`, output.slice(-1_500));
    return stdout.trim();
  }

  up(...args) {
    return this.do('up', '-d', '--wait', '--wait-timeout', '180', ...args);
  }

  /** Stops and removes everything but the volumes; with `--volumes` these too. */
  down(...args) {
    return this.do('down', '--remove-orphans', ...args);
  }

  /** The ids of a service's running containers. */
  async containers(service) {
    return (await this.do('ps', '-q', service)).split('\n').filter(Boolean);
  }

  async container(service) {
    const [id] = await this.containers(service);
    must(id !== undefined, `${service} is not running`);
    return id;
  }

  /** What a container wrote since it was made. */
  async logs(id) {
    return (await run('docker', ['logs', id])).output;
  }

  /** One value, or lines of values separated by `|`. */
  sql(statement) {
    return this.do(
      'exec',
      '-T',
      'postgres',
      'psql',
      '-U',
      'edgechat',
      '-d',
      'edgechat',
      '-v',
      'ON_ERROR_STOP=1',
      '-tAc',
      statement,
    );
  }
}

/** Waits until the engine says that a container is healthy. @throws Unmet */
export function healthy(id, withinMs = 90_000) {
  return eventually(
    `${id.slice(0, 12)} is healthy`,
    async () => (await inspect(id, '.State')).Health?.Status === 'healthy',
    withinMs,
  );
}

/** Restarts a container as a deployment does, and waits until it is healthy. Resolves to how it ended. */
export async function restart(id) {
  const beganAt = Date.now();
  await docker('stop', '--timeout', '20', id);
  const { ExitCode: exitCode } = await inspect(id, '.State');
  const tookMs = Date.now() - beganAt;
  await docker('start', id);
  await healthy(id);
  return { exitCode, tookMs };
}
