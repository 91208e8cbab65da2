import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { Unmet } from './checks.mjs';

export const ROOT = join(import.meta.dirname, '../..');

/** Marks everything that this run makes, so that it finds its own things again and nobody else's. */
export const RUN = `edgechat-test-${randomBytes(4).toString('hex')}`;
export const LABEL = `edgechat.test=${RUN}`;

/** The images under test; they have names of their own, so that a real stack beside this one keeps its images. */
export const imageOf = (app, version = 'test') => `${RUN}-${app}:${version}`;

/** The base image, from where it is pinned. */
export const NODE_IMAGE = /^ARG NODE_IMAGE=(.+)$/m.exec(readFileSync(join(ROOT, 'docker/api.Dockerfile'), 'utf8'))[1];

const settings = parseEnv(readFileSync(join(ROOT, '.env.example'), 'utf8').replace(/^# (?=[A-Z_]+=)/gm, ''));
const isSetting = (name) =>
  /^(POSTGRES|MONGO|REDIS|TLS|COMPOSE|EDGECHAT)_|^(https?|no)_proxy$|^(PUBLIC_HOST|PROXY_TRUSTED)$/.test(name) ||
  Object.hasOwn(settings, name.replace(/_FILE$/, ''));

/** The environment without the settings of this product: the tests are the same whatever is set. */
const bareEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetting(name)));

/**
 * Runs a command to its end. Never throws for its exit code.
 * @returns {Promise<{ code: number, stdout: string, stderr: string, output: string }>} `output` is both streams as they came
 */
export function run(command, args, { env = {}, cwd = ROOT, timeoutMs = 300_000, input } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...bareEnv, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const texts = { stdout: '', stderr: '', output: '' };
    const keep = (stream) => (data) => {
      texts[stream] += data;
      texts.output += data;
    };
    child.stdout.setEncoding('utf8').on('data', keep('stdout'));
    child.stderr.setEncoding('utf8').on('data', keep('stderr'));
    child.stdin.on('error', () => undefined).end(input);
    child.on('error', (error) => keep('stderr')(error.message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal !== null) keep('stderr')(`ended by ${signal}`);
      resolve({ code: code ?? 1, ...texts });
    });
  });
}

/** Runs docker and gives what it printed, without blanks at its ends. @throws Unmet with its words when it fails */
export async function docker(...args) {
  const { code, stdout, output } = await run('docker', args);
  if (code !== 0) throw new Unmet(`docker ${args.slice(0, 4).join(' ')} … ended with ${code}: ${output.slice(-1_500)}`);
  return stdout.trim();
}

/** Runs a container to its end, with nothing allowed that it does not need. Its exit code and words are the result. */
export function runOnce(options, image, ...command) {
  return run(
    'docker',
    ['run', '--rm', '--label', LABEL, '--read-only', '--cap-drop', 'ALL', ...options, image, ...command],
    { timeoutMs: 120_000 },
  );
}

export const inspect = async (id, format) => JSON.parse(await docker('inspect', '--format', `{{json ${format}}}`, id));

/**
 * Kills the main process of a container from outside, as a crash would. (`docker kill` counts as a wish, after which no restart policy acts.)
 * By a container that sees the engine's processes: so it works where the engine is in a virtual machine, too.
 */
export async function killFromOutside(id) {
  const pid = await inspect(id, '.State.Pid');
  const kill = [
    'run',
    '--rm',
    '--label',
    LABEL,
    '--pid',
    'host',
    '--privileged',
    '--user',
    '0',
    imageOf('worker'),
    'node',
    '-e',
    `process.kill(${pid}, 'SIGKILL')`,
  ];
  await docker(...kill);
}

/** Builds an image of one app from `context`. Resolves to what the build said. @throws Unmet */
export async function buildImage(app, version, { context = ROOT, options = [] } = {}) {
  const args = [
    'build',
    '--progress',
    'plain',
    '-f',
    join(context, `docker/${app}.Dockerfile`),
    '-t',
    imageOf(app, version),
  ];
  const labels = [
    '--label',
    LABEL,
    '--build-arg',
    `VERSION=${version}`,
    '--build-arg',
    `REVISION=${RUN}`,
    '--build-arg',
    'SOURCE=https://example.com/edgechat',
  ];
  const { code, output } = await run('docker', [...args, ...labels, ...options, context], { timeoutMs: 900_000 });
  if (code !== 0) throw new Unmet(`the image of ${app} could not be built: ${output.slice(-2_000)}`);
  return output;
}

/** Removes every container, volume, network and image of this run. Resolves to what is left all the same. */
export async function removeAll(projects) {
  const filters = [LABEL, ...projects.map((project) => `com.docker.compose.project=${project}`)];
  const left = [];
  for (const filter of filters) {
    for (const [list, remove] of [
      [
        ['ps', '-aq'],
        ['rm', '-fv'],
      ],
      [
        ['volume', 'ls', '-q'],
        ['volume', 'rm', '-f'],
      ],
      [
        ['network', 'ls', '-q'],
        ['network', 'rm'],
      ],
    ]) {
      const find = async () => (await docker(...list, '--filter', `label=${filter}`)).split('\n').filter(Boolean);
      const ids = await find();
      if (ids.length > 0) await run('docker', [...remove, ...ids]);
      left.push(...(await find()));
    }
  }
  for (const filter of [`label=${LABEL}`, `label=org.opencontainers.image.revision=${RUN}`]) {
    const images = (await docker('images', '-q', '--filter', filter)).split('\n').filter(Boolean);
    if (images.length > 0) await run('docker', ['rmi', '-f', ...new Set(images)]);
  }
  return left;
}
