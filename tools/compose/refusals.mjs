import { randomBytes } from 'node:crypto';
import { env, mustRefuse } from './bad-input.mjs';
import { check, must } from './checks.mjs';
import { imageOf, runOnce } from './docker.mjs';

const password = randomBytes(16).toString('hex');

/** What all processes are content with in production; there is no network, so that nothing is reached. */
const PRODUCTION = {
  APP_ENV: 'production',
  AI_TOKENS_PER_DAY: 'unlimited',
  CORS_ORIGINS: 'https://a.example',
  JWT_SECRET: randomBytes(32).toString('hex'),
  DATABASE_URL: `postgresql://edgechat:${password}@postgres:5432/edgechat`,
  MONGODB_URL: `mongodb://edgechat:${password}@mongo:27017/edgechat?authSource=admin`,
  REDIS_URL: `redis://:${password}@redis:6379/0`,
};

/** Whatever logs in to a store: the API, the worker, and its commands. */
const PROCESSES = [
  ['api'],
  ['worker'],
  ['worker', 'node', 'main.js', 'migrate'],
  ['worker', 'node', 'main.js', 'admin', 'verify'],
];

const OF_API = [
  ['a JWT_SECRET of 32 times one letter', { JWT_SECRET: 'a'.repeat(32) }, /JWT_SECRET must be random/],
  [
    'a JWT_SECRET of an example',
    { JWT_SECRET: 'your-256-bit-secret-change-me-in-production' },
    /JWT_SECRET must be random/,
  ],
  [
    'a JWT_SECRET_PREVIOUS of an example',
    { JWT_SECRET_PREVIOUS: 'secret'.repeat(6) },
    /JWT_SECRET_PREVIOUS must be random/,
  ],
  ['the origin null', { CORS_ORIGINS: 'https://a.example,null' }, /CORS_ORIGINS must not have null/],
];

const OF_ALL = [
  [
    'the default password of PostgreSQL',
    { DATABASE_URL: 'postgresql://edgechat:edgechat@postgres:5432/edgechat', INSECURE_STORES: 'postgres' },
    /DATABASE_URL must have another password/,
  ],
  [
    'the default password of the stack',
    { DATABASE_URL: 'postgresql://edgechat@postgres:5432/edgechat', PGPASSWORD: 'edgechat' },
    /PGPASSWORD .* must be another password/,
  ],
  [
    'no password of PostgreSQL',
    { DATABASE_URL: 'postgresql://edgechat@postgres:5432/edgechat' },
    /DATABASE_URL must have a password/,
  ],
  [
    'no password of MongoDB',
    { MONGODB_URL: 'mongodb://mongo:27017/edgechat', INSECURE_STORES: 'redis' },
    /MONGODB_URL must have a password/,
  ],
  [
    'no password of Redis',
    { REDIS_URL: 'redis://redis:6379/0', INSECURE_STORES: 'mongo' },
    /REDIS_URL must have a password/,
  ],
  ['a store that there is not in INSECURE_STORES', { INSECURE_STORES: 'mysql' }, /INSECURE_STORES must be/],
];

const start = ([app, ...command], variables) =>
  runOnce(['--network', 'none', ...env({ ...PRODUCTION, ...variables })], imageOf(app), ...command);

/** What production refuses, in the images as they ship: one sentence, exit 1, whatever the process is. */
export async function refusals() {
  for (const [name, variables, words] of OF_API)
    await check(`production refuses ${name}: one sentence, exit 1`, async () =>
      mustRefuse(await start(['api'], variables), words),
    );
  for (const [name, variables, words] of OF_ALL)
    await check(`production refuses ${name}, of each process: one sentence, exit 1`, async () => {
      for (const process of PROCESSES) mustRefuse(await start(process, variables), words);
    });
  await check('production says all that is wrong at once, and no value', async () => {
    const { code, output } = await start(['api'], {
      JWT_SECRET: 'changeme'.repeat(5),
      DATABASE_URL: 'postgresql://payments:payments@h/d',
      MONGODB_URL: 'mongodb://h/d',
      REDIS_URL: 'redis://:foobared@h/0',
    });
    const named = ['JWT_SECRET', 'DATABASE_URL', 'MONGODB_URL', 'REDIS_URL'].filter((name) =>
      output.includes(`${name} must`),
    );
    must(code === 1 && named.length === 4 && !/changeme|payments|foobared/.test(output), 'four sentences', output);
  });
  await check('production goes on past its settings with good ones, and with INSECURE_STORES', async () => {
    const insecure = {
      DATABASE_URL: 'postgresql://edgechat@postgres:5432/edgechat',
      MONGODB_URL: 'mongodb://mongo:27017/edgechat',
      REDIS_URL: 'redis://redis:6379/0',
      INSECURE_STORES: 'postgres,mongo,redis',
    };
    for (const variables of [{}, insecure]) {
      // A command that there is not is refused after the settings were read, and reaches for nothing.
      const { output } = await start(['worker', 'node', 'main.js', 'no-command'], variables);
      must(output.includes('Usage: ') && !/ must /.test(output), 'it says its usage', output.slice(-800));
    }
  });
}
