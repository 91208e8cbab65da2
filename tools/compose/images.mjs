import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, eventually, figure, must } from './checks.mjs';
import { buildImage, docker, imageOf, inspect, LABEL, NODE_IMAGE, ROOT, run, RUN, runOnce } from './docker.mjs';

const APPS = ['api', 'worker'];
const OWN_BYTES_MAX = 80 * 1024 * 1024;
const CANARY = 'canary-7f3a-must-not-ship';

/** Prints path and SHA-256 of each file of /app, as JSON. */
const HASHES = `
const { createHash } = require('node:crypto'), { readdirSync, readFileSync } = require('node:fs');
const files = readdirSync('/app', { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => entry.parentPath + '/' + entry.name).sort();
console.log(JSON.stringify(Object.fromEntries(files.map((file) => [file, createHash('sha256').update(readFileSync(file)).digest('hex')]))));`;

async function hashesOf(app, version) {
  const { code, stdout, output } = await runOnce(['--network', 'none'], imageOf(app, version), 'node', '-e', HASHES);
  must(code === 0, 'the files can be read', output);
  return JSON.parse(stdout);
}

/** A copy of what the images are built from, with things in it that must not get into them. */
export function copyOfSources() {
  const folder = mkdtempSync(join(tmpdir(), `${RUN}-`));
  for (const path of [
    'package.json',
    'package-lock.json',
    '.npmrc',
    '.dockerignore',
    'tsconfig.base.json',
    'apps',
    'libs',
    'tools/build',
    'docker',
  ]) {
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  writeFileSync(join(folder, '.env'), `JWT_SECRET=${CANARY}\n`);
  writeFileSync(join(folder, 'apps/worker/.env.local'), `JWT_SECRET=${CANARY}\n`);
  mkdirSync(join(folder, 'docker/secrets'), { recursive: true });
  writeFileSync(join(folder, 'docker/secrets/jwt_secret'), CANARY);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The names of all files in the layers that an image adds to its base, as the layers themselves hold them: what a later layer deletes shows, too. */
async function filesInOwnLayers(app) {
  const folder = mkdtempSync(join(tmpdir(), `${RUN}-layers-`));
  const tar = async (...args) => {
    const { code, stdout, output } = await run('tar', args, { cwd: folder });
    must(code === 0, `tar ${args.join(' ')}`, output);
    return stdout;
  };
  try {
    const base = (await inspect(NODE_IMAGE, '.RootFS.Layers')).length;
    await docker('save', '-o', join(folder, 'image.tar'), imageOf(app));
    const [{ Layers: layers }] = JSON.parse(await tar('-xOf', 'image.tar', 'manifest.json'));
    const own = layers.slice(base);
    await tar('-xf', 'image.tar', ...own);
    const lists = await Promise.all(own.map((layer) => tar('-tf', layer)));
    return lists.join('').split('\n').filter(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkContents(app) {
  const files = await filesInOwnLayers(app);
  const strangers = files.filter(
    (file) => file !== 'app/' && !/^app\/(main\.js|package\.json|sbom\.cdx\.json|node_modules\/.*)$/.test(file),
  );
  must(strangers.length === 0, 'nothing but the program and its packages', strangers.slice(0, 20));
  const unwanted = files.filter((file) =>
    /\.map$|\.env|\.(spec|test)\.[cm]?[jt]s$|fail-points|(^|\/)\.wh\.|\.(pem|key)$/.test(file),
  );
  must(unwanted.length === 0, 'no map, no .env, no test, no fail-point, nothing deleted', unwanted.slice(0, 20));

  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const installed = files
    .map((file) => /^app\/((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/@]+)\/package\.json$/.exec(file)?.[1])
    .filter(Boolean);
  must(installed.length > 0, 'the packages are seen', files.length);
  const dev = installed.filter((path) => packages[path] === undefined || packages[path].dev === true);
  must(dev.length === 0, 'no package that is for development only, or not in the lock file', dev);

  const { components } = JSON.parse(await textOf(app, 'sbom.cdx.json'));
  const listed = new Set(components.map(({ purl }) => purl));
  const unlisted = installed.filter((path) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return !listed.has(`pkg:npm/${name.replace('@', '%40')}@${packages[path].version}`);
  });
  must(unlisted.length === 0, 'each of its packages is in its bill of materials', unlisted);
}

/** A file of /app, as a container sees it. */
async function textOf(app, file) {
  const { code, stdout, output } = await runOnce(
    ['--network', 'none'],
    imageOf(app),
    'node',
    '-e',
    `process.stdout.write(require('node:fs').readFileSync('/app/${file}', 'utf8'))`,
  );
  must(code === 0, `${file} can be read`, output);
  return stdout;
}

async function checkProgram(app) {
  const stdout = await textOf(app, 'main.js');
  must(!/^\/\/ (libs\/testing|tools)\/|sourceMappingURL=(?!.*['"`])/m.test(stdout), 'no source of tests, no map');
}

async function checkHistory(app) {
  const history = await docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', imageOf(app));
  const config = JSON.stringify(await inspect(imageOf(app), '.Config'));
  const secrets = /(JWT_SECRET|PASSWORD|API_KEY|DATABASE_URL|MONGODB_URL|REDIS_URL)["']?[=:]|authToken|-----BEGIN/i;
  must(!secrets.test(history) && !secrets.test(config), 'no secret', `${history}\n${config}`);
}

async function checkLabels(app) {
  const labels = await inspect(imageOf(app), '.Config.Labels');
  const found = ['title', 'version', 'revision', 'source'].map((name) => labels[`org.opencontainers.image.${name}`]);
  must(found.join() === [`edgechat-${app}`, 'test', RUN, 'https://example.com/edgechat'].join(), 'labels', found);
}

async function ownBytes(app) {
  const [all, base] = [await inspect(imageOf(app), '.Size'), await inspect(NODE_IMAGE, '.Size')];
  figure(`own layers of the ${app} image`, `${all - base} bytes`);
  must(all - base > 0 && all - base <= OWN_BYTES_MAX, `at most ${OWN_BYTES_MAX}`, all - base);
}

/** Starts an image alone: without a shell, without a writable file, without a capability; SIGTERM as to any process 1. */
async function checkBareStart(app) {
  const words = app === 'api' ? 'the API listens' : 'PostgreSQL cannot be used yet';
  const id = await docker(
    'run',
    '-d',
    '--label',
    LABEL,
    '--read-only',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
    '-v',
    '/dev/null:/bin/sh:ro',
    imageOf(app),
  );
  await eventually(`it says “${words}”`, async () => (await run('docker', ['logs', id])).output.includes(words));
  must((await run('docker', ['exec', id, '/bin/sh', '-c', 'true'])).code !== 0, 'there is no shell in this test');
  const { stdout } = await run('docker', [
    'exec',
    id,
    'node',
    '-p',
    "process.getuid() + ' ' + require('node:fs').readFileSync('/proc/1/cmdline', 'utf8').replaceAll('\\0', ' ')",
  ]);
  must(stdout.trim() === '1000 node --max-old-space-size=256 main.js', 'process 1 is node, and not root', stdout);
  const writing = await run('docker', ['exec', id, 'node', '-e', "require('node:fs').writeFileSync('/app/x', '')"]);
  must(writing.code !== 0, 'nothing can be written');
  const beganAt = Date.now();
  await docker('stop', '--timeout', '20', id);
  const { ExitCode: code } = await inspect(id, '.State');
  must(code === 0 && Date.now() - beganAt < 12_000, 'SIGTERM ends it in order within 12 s', {
    code,
    tookMs: Date.now() - beganAt,
  });
  await docker('rm', id);
}

async function checkRebuild() {
  const copy = copyOfSources();
  try {
    const source = join(copy.folder, 'apps/worker/src/main.ts');
    writeFileSync(source, `${readFileSync(source, 'utf8')}\n// changed\n`);
    const log = await buildImage('worker', 'changed', { context: copy.folder });
    const step = /^#(\d+) .*RUN .*npm ci/m.exec(log)?.[1];
    must(
      step !== undefined && log.includes(`#${step} CACHED`),
      'the packages are not installed again',
      log.slice(-1_500),
    );
    const all = JSON.stringify(await hashesOf('worker', 'changed'));
    must(!all.includes('secrets') && !all.includes('.env'), 'no secret that lay about');
  } finally {
    copy.remove();
  }
}

async function checkReproducible() {
  await buildImage('worker', 'again', { options: ['--no-cache-filter', 'build'] });
  const [one, two] = [await hashesOf('worker'), await hashesOf('worker', 'again')];
  must(
    Object.keys(one).length > 100 && JSON.stringify(one) === JSON.stringify(two),
    'the same files',
    Object.keys(one)
      .filter((file) => one[file] !== two[file])
      .slice(0, 10),
  );
}

/** Builds the images that all other parts use. @throws Unmet */
export async function buildImages() {
  for (const app of APPS) await buildImage(app, 'test');
}

/** What the images are, hold and need. */
export async function images() {
  for (const app of APPS) {
    await check(`${app}: its layers hold the program and its packages, nothing else`, () => checkContents(app));
    await check(`${app}: the program holds no test and no map`, () => checkProgram(app));
    await check(`${app}: neither history nor configuration holds a secret`, () => checkHistory(app));
    await check(`${app}: labels say version, revision and source`, () => checkLabels(app));
    await check(`${app}: own layers are small`, () => ownBytes(app));
    await check(`${app}: starts read-only, not as root, without shell and capabilities; SIGTERM ends it with 0`, () =>
      checkBareStart(app),
    );
  }
  await check('a changed source installs no package again, and what lies about stays out', checkRebuild);
  await check('the same sources give the same files', checkReproducible);
}
