import type { Config } from './config.js';
import { isGuessableSecret } from './guessable.js';
import type { ProcessName } from './setting.js';
import { SETTINGS, type SettingName } from './settings.js';
import { loginProblem, type Store } from './store-logins.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** The settings that are URLs of stores, each with its store. */
const STORE_URLS: readonly (readonly [
  name: SettingName,
  store: Store,
  urlIn: (config: Config) => string | undefined,
])[] = [
  ['DATABASE_URL', 'postgres', (config) => config.databaseUrl],
  ['MONGODB_URL', 'mongo', (config) => config.mongodbUrl],
  ['REDIS_URL', 'redis', (config) => config.redisUrl],
];

/** What a public server must not be without, or with: a sentence for each. What could not be parsed is undefined in `config`, and named already. */
export function productionProblems(config: Config, env: Environment, process: ProcessName): readonly string[] {
  return [
    ...(process === 'api' ? problemsOfApi(config) : problemsOfWorker(config)),
    ...((env['AI_TOKENS_PER_DAY'] ?? '') === ''
      ? ['AI_TOKENS_PER_DAY must be set when APP_ENV is production: tokens an account may use in a day, or unlimited.']
      : []),
    ...problemsOfLogins(config, env, process),
  ];
}

function problemsOfApi({ jwtSecret, jwtSecretPrevious, corsOrigins }: Partial<Config>): readonly string[] {
  const secrets = { JWT_SECRET: jwtSecret, JWT_SECRET_PREVIOUS: jwtSecretPrevious };
  const guessable = Object.entries(secrets).filter(([, secret]) => secret !== undefined && isGuessableSecret(secret));
  return [
    ...(jwtSecret === undefined
      ? ['JWT_SECRET must be set when APP_ENV is production: 32 random bytes or more, the same for every replica.']
      : []),
    ...guessable.map(
      ([name]) =>
        `${name} must be random when APP_ENV is production, and this one can be guessed: openssl rand -base64 32 makes another.`,
    ),
    ...(corsOrigins?.includes('*') === true
      ? ['CORS_ORIGINS must name your origins when APP_ENV is production, not *.']
      : []),
  ];
}

function problemsOfWorker({ aiProvider }: Config): readonly string[] {
  return aiProvider === 'demo' ? ['AI_PROVIDER must not be demo when APP_ENV is production.'] : [];
}

function problemsOfLogins(config: Config, env: Environment, process: ProcessName): readonly string[] {
  const { PGPASSWORD: value = '' } = env;
  const password = value === '' ? undefined : { name: 'PGPASSWORD (POSTGRES_PASSWORD of Docker Compose)', value };
  const problems = STORE_URLS.filter(([name]) => SETTINGS[name].usedBy.some((one) => one === process)).map(
    ([name, store, urlIn]) => {
      const url = urlIn(config);
      const otherPassword = store === 'postgres' ? password : undefined;
      return url === undefined ? null : loginProblem({ name, store, url, otherPassword }, config.insecureStores ?? []);
    },
  );
  return [...new Set(problems.filter((problem) => problem !== null))];
}
