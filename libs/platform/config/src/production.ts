import type { Config } from './config.js';
import { isGuessableSecret } from './guessable.js';
import { isReadBy, type ProcessName } from './setting.js';
import { SETTINGS, type SettingName } from './settings.js';
import { loginProblem, type Store, type StoreLogin } from './store-logins.js';

type Environment = Readonly<Record<string, string | undefined>>;

interface StoreUrl {
  readonly name: SettingName;
  readonly store: Store;
  readonly urlIn: (config: Config) => string | undefined;
  /** The password that is taken when the URL has none, and what people set it by. */
  readonly otherPassword?: (config: Config, env: Environment) => StoreLogin['otherPassword'];
}

const pgPassword = ({ PGPASSWORD: value = '' }: Environment): StoreLogin['otherPassword'] =>
  value === ''
    ? undefined
    : { name: 'PGPASSWORD (POSTGRES_APP_PASSWORD or POSTGRES_PASSWORD of Docker Compose)', value };

/** The settings that are URLs of stores. */
const STORE_URLS: readonly StoreUrl[] = [
  {
    name: 'DATABASE_URL',
    store: 'postgres',
    urlIn: (config) => config.databaseUrl,
    otherPassword: (_, env) => pgPassword(env),
  },
  {
    name: 'MIGRATE_DATABASE_URL',
    store: 'postgres',
    urlIn: (config) => config.migrateDatabaseUrl,
    otherPassword: ({ migratePgpassword: value }, env) =>
      value === undefined
        ? pgPassword(env)
        : { name: 'MIGRATE_PGPASSWORD (POSTGRES_PASSWORD of Docker Compose)', value },
  },
  { name: 'MONGODB_URL', store: 'mongo', urlIn: (config) => config.mongodbUrl },
  { name: 'MIGRATE_MONGODB_URL', store: 'mongo', urlIn: (config) => config.migrateMongodbUrl },
  { name: 'REDIS_URL', store: 'redis', urlIn: (config) => config.redisUrl },
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
  const problems = STORE_URLS.filter(({ name }) => isReadBy(process, SETTINGS[name])).map(
    ({ name, store, urlIn, otherPassword }) => {
      const url = urlIn(config);
      if (url === undefined) return null;
      const login = { name, store, url, otherPassword: otherPassword?.(config, env) };
      return loginProblem(login, config.insecureStores ?? []);
    },
  );
  return [...new Set(problems.filter((problem) => problem !== null))];
}
