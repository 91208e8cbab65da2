import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, eventually, must } from './checks.mjs';
import { docker, imageOf, runOnce, RUN } from './docker.mjs';
import { Stack } from './stack.mjs';

export const env = (variables) => Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]);

/** Says that a container ended by itself with a failure, and with one sentence for each thing that is wrong. */
export function mustRefuse({ code, output }, words, lines = 1) {
  const said = output
    .split('\n')
    .filter((line) => line !== '' && !line.includes('a local stand-in') && !line.startsWith('{'));
  must(code === 1 && words.test(output), `ends with 1 and says ${words}`, { code, output: output.slice(-800) });
  must(said.length <= lines, `${lines} sentence(s), no stack`, said);
}

const SECRETS = [
  ['a JWT_SECRET that is too short', 'api', { JWT_SECRET: 'short' }, /JWT_SECRET must have 32 bytes or more/],
  [
    'no JWT_SECRET in production',
    'api',
    {
      APP_ENV: 'production',
      CORS_ORIGINS: 'https://a.example',
      AI_TOKENS_PER_DAY: 'unlimited',
      DATABASE_URL: 'postgresql://edgechat@postgres/edgechat',
      INSECURE_STORES: 'postgres,mongo,redis',
    },
    /JWT_SECRET must be set when APP_ENV is production/,
  ],
  [
    'a secret file that is not there',
    'api',
    { JWT_SECRET_FILE: '/run/secrets/missing' },
    /JWT_SECRET must stand in the file that JWT_SECRET_FILE names, which cannot be read/,
  ],
  [
    'a file and a variable for one secret',
    'worker',
    { GEMINI_API_KEY: 'x', GEMINI_API_KEY_FILE: '/run/secrets/x' },
    /GEMINI_API_KEY must not be set when GEMINI_API_KEY_FILE is/,
  ],
  ['a URL that is none', 'worker', { MONGODB_URL: 'localhost:27017' }, /MONGODB_URL must be a URL/],
];

function onStores(stack, variables) {
  const stores = {
    DATABASE_URL: 'postgresql://edgechat:edgechat@postgres:5432/edgechat',
    MONGODB_URL: 'mongodb://mongo:27017/edgechat',
    REDIS_URL: 'redis://redis:6379/0',
  };
  return ['--network', `${stack.project}_stores`, ...env({ ...stores, ...variables })];
}

async function checkWrongPassword(stack) {
  const url = 'postgresql://edgechat:not-the-password@postgres:5432/edgechat';
  mustRefuse(
    await runOnce(onStores(stack, { DATABASE_URL: url }), imageOf('worker'), 'node', 'main.js', 'migrate'),
    /PostgreSQL \(DATABASE_URL\) could not be migrated: password authentication failed/,
  );
}

async function checkNewerSchema(stack) {
  await stack.sql('update edgechat.schema_info set oldest_release = 999');
  try {
    for (const app of ['api', 'worker'])
      mustRefuse(
        await runOnce(onStores(stack, {}), imageOf(app)),
        /The schema needs a newer release of EdgeChat than this one\. Deploy the newer release\./,
      );
  } finally {
    await stack.sql('update edgechat.schema_info set oldest_release = 1');
  }
}

async function checkBrokenMigration(stack) {
  mustRefuse(
    await runOnce(onStores(stack, {}), imageOf('worker', 'broken'), 'node', 'main.js', 'migrate'),
    /could not be migrated: .*Nothing is half done; mend it and run migrate again\./,
    2,
  );
  must(
    (await stack.sql(
      "select coalesce(to_regclass('edgechat.half_done')::text, 'none') || '|' || (select count(*) from edgechat.migrations where name like 'Broken%')",
    )) === 'none|0',
    'nothing of it is there',
  );
}

/** An overlay that is written for one check. */
async function withOverlay(name, text, work) {
  const folder = mkdtempSync(join(tmpdir(), `${RUN}-`));
  const stack = await Stack.make(name);
  try {
    writeFileSync(join(folder, 'overlay.yml'), text);
    await work(stack.with(join(folder, 'overlay.yml')));
  } finally {
    await stack.compose('down', '-v', '--timeout', '5');
    rmSync(folder, { recursive: true, force: true });
  }
}

const NEVER_HEALTHY = `
services:
  postgres:
    healthcheck: { test: ['CMD', 'false'], interval: 1s, retries: 2, start_period: 1s }
`;

const checkNeverHealthy = () =>
  withOverlay('sick', NEVER_HEALTHY, async (stack) => {
    const { code, output } = await stack.compose('up', '-d', '--wait');
    must(code !== 0 && /postgres.* is unhealthy/.test(output), 'up fails and names the engine', {
      code,
      output: output.slice(-500),
    });
    must(
      (await stack.containers('api')).length + (await stack.containers('worker')).length === 0,
      'nothing was started on it',
    );
    // It may still be making its first cluster: then it breaks off connections.
    const schema = await eventually('PostgreSQL answers', () =>
      stack.sql("select coalesce(to_regnamespace('edgechat')::text, 'none')").catch(() => null),
    );
    must(schema === 'none', 'nothing was migrated', schema);
  });

const READ_ONLY = `
services:
  postgres: { restart: 'no', volumes: !override ['postgres_data:/var/lib/postgresql/data:ro'] }
  mongo: { restart: 'no', volumes: !override ['mongo_data:/data/db:ro'] }
`;

const checkReadOnlyVolumes = () =>
  withOverlay('read-only', READ_ONLY, async (stack) => {
    const { code } = await stack.compose('up', '-d', '--wait');
    must(code !== 0, 'up fails');
    for (const service of ['postgres', 'mongo']) {
      const [id] = (await stack.do('ps', '-aq', service)).split('\n');
      const [state, logs] = [
        await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', id),
        await stack.logs(id),
      ];
      must(
        /^exited [1-9]/.test(state) && /read-only|permission denied|not permitted/i.test(logs),
        `${service} ends and says why`,
        { state, logs: logs.slice(-500) },
      );
    }
  });

const checkManyMigrations = () =>
  withOverlay('many', 'services: {}\n', async (stack) => {
    await stack.up('postgres', 'mongo');
    const runs = await Promise.all(
      Array.from({ length: 4 }, () => runOnce(onStores(stack, {}), imageOf('worker'), 'node', 'main.js', 'migrate')),
    );
    must(
      runs.every(({ code }) => code === 0),
      'all end with 0',
      runs.map(({ output }) => output.slice(-300)),
    );
    must(
      runs.filter(({ output }) => output.includes('was brought up to date')).length === 1,
      'one of them did it',
      runs.map(({ stdout }) => stdout.slice(-300)),
    );
    must(
      (await stack.sql('select count(*) = count(distinct name) and count(*) > 0 from edgechat.migrations')) === 't',
      'each migration was run once',
    );
  });

/** What is wrong is said in one sentence, and nothing is half done. `stack` is a running one. */
export async function badInput(stack) {
  // It waits a minute for the store, beside the other checks.
  const away = runOnce(
    onStores(stack, { DATABASE_URL: 'postgresql://edgechat:edgechat@nowhere:5432/edgechat' }),
    imageOf('worker'),
    'node',
    'main.js',
    'migrate',
  );
  for (const [name, app, variables, words] of SECRETS)
    await check(`${name}: one sentence, exit 1`, async () =>
      mustRefuse(await runOnce(['--network', 'none', ...env(variables)], imageOf(app)), words),
    );
  await check('a wrong password of PostgreSQL: one sentence, exit 1', () => checkWrongPassword(stack));
  await check('a schema that needs a newer release: one sentence, exit 1', () => checkNewerSchema(stack));
  await check('a migration that fails in the middle: one sentence, exit 1, and nothing of it is there', () =>
    checkBrokenMigration(stack),
  );
  await check('an engine that never becomes healthy: up fails, nothing was started or migrated', checkNeverHealthy);
  await check('volumes that cannot be written: each engine says so and ends', checkReadOnlyVolumes);
  await check('four migrations of an empty database at once: all end with 0, one did it', checkManyMigrations);
  await check('an engine that is away: migrate says which after a minute, exit 1', async () =>
    mustRefuse(await away, /PostgreSQL \(DATABASE_URL\) could not be migrated: /),
  );
}
