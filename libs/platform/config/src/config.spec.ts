import { ConfigError, loadConfig } from './config.js';
import { SETTINGS } from './settings.js';
import { namesIn, problemsOf } from './test-problems.js';

/** For each setting that can be wrong, a value that it cannot have. */
const BAD: Readonly<Record<string, string>> = {
  APP_ENV: 'staging-7f3a',
  LOG_LEVEL: 'loud-7f3a',
  PORT: '7f3a',
  WORKER_HEALTH_PORT: '65536',
  DATABASE_URL: 'mysql://u:secret-7f3a@h/d',
  DATABASE_POOL_MAX: '1',
  MIGRATE_DATABASE_URL: 'secret-7f3a',
  MIGRATE_PGPASSWORD: 'secret-7f3a'.repeat(400),
  MONGODB_URL: 'http://u:secret-7f3a@h/d',
  MIGRATE_MONGODB_URL: 'postgresql://u:secret-7f3a@h/d',
  REDIS_URL: '7f3a',
  INSECURE_STORES: 'mongo, 7f3a',
  JWT_SECRET: 'secret-7f3a',
  JWT_SECRET_PREVIOUS: 'secret-7f3a',
  JWT_ALGORITHM: 'none-7f3a',
  JWT_ACCESS_EXPIRE_MINUTES: '-1',
  JWT_REFRESH_EXPIRE_DAYS: '1.5',
  SESSION_MAX_DAYS: '0',
  RATE_LIMIT_REQUESTS: '1e3',
  RATE_LIMIT_WINDOW_SECONDS: '0',
  RATE_LIMIT_ADDRESS_FACTOR: '10001',
  DOCS: 'true-7f3a',
  CORS_ORIGINS: 'https://a.example, chat-7f3a.example',
  REGISTRATION: 'invites-7f3a',
  REGISTRATIONS_PER_HOUR: '-30',
  REGISTRATIONS_PER_DAY: 'none-7f3a',
  TRUSTED_PROXIES: '10.0.0.0/8, 7f3a',
  SEND_QUEUE_LIMIT: '9999999999999999999999',
  DRAIN_TIMEOUT_MS: '0x10',
  AI_TIMEOUT_MS: '999',
  AI_PROVIDER: 'secret-7f3a',
  GEMINI_API_KEY: 'secret-7f3a\u200b',
  GEMINI_MODEL: 'gemini?7f3a',
  GEMINI_BASE_URL: 'ftp://7f3a',
  OPENAI_API_KEY: 'Bearer secret-7f3a',
  OPENAI_MODEL: 'gpt\u00007f3a',
  OPENAI_BASE_URL: 'localhost:11434/7f3a',
  ANTHROPIC_API_KEY: 'secret-7f3a-ü',
  ANTHROPIC_MODEL: 'claude\n7f3a',
  ANTHROPIC_BASE_URL: 'https://',
  HTTPS_PROXY: 'socks5://u:secret-7f3a@h:1',
  HTTP_PROXY: 'http://u:secret-7f3a#@h:1',
  NO_PROXY: 'x'.repeat(16_385),
  AI_CONTEXT_MAX_TOKENS: '99',
  AI_CONCURRENCY: ' 4',
  AI_CONCURRENCY_PER_ACCOUNT: '0',
  TEXT_MB_PER_DAY: '-7',
  STRANGERS_PER_DAY: 'some',
  READS_MB: '1.5',
  BODIES_MB: 'none-7f3a',
  UNFINISHED_BODIES_PER_ADDRESS: '1e3',
  ANSWERS_MB: 'Unlimited',
  ANSWERS_MB_PER_ACCOUNT: '64m',
  SEARCHES_AT_ONCE: '10001',
  SEARCHES_AT_ONCE_PER_ACCOUNT: 'infinity',
  SEARCH_POOL_MAX: '0',
  SEARCH_TIMEOUT_MS: '4501',
  SEARCH_WAIT_MS: '60001',
  SEARCH_READ_KB: '-1',
  SEARCH_TERMS_KIB: '901',
  TRANSFER_BYTES_PER_SECOND_MIN: '0',
  AI_CONCURRENCY_RESERVED: '1000',
  AI_TOKENS_PER_DAY: '7f3a',
};

/** What a production API is content with, but for its secret. */
const PRODUCTION = {
  APP_ENV: 'production',
  CORS_ORIGINS: 'https://app.example',
  AI_TOKENS_PER_DAY: 'unlimited',
  INSECURE_STORES: 'postgres,mongo,redis',
  DATABASE_URL: 'postgresql://u@h/d',
};

describe('bad variables', () => {
  it.each([
    ['api', ['api']],
    ['worker', ['worker']],
    ['migrate', ['worker', 'migrate']],
  ] as const)('are all named at once, those that the %s reads', (process, readers) => {
    const read = Object.entries(SETTINGS).filter(
      ([name, setting]) => name in BAD && setting.usedBy.some((one) => readers.some((reader) => reader === one)),
    );
    expect(namesIn(problemsOf(BAD, process))).toEqual(read.map(([name]) => name));
  });

  it.each(['api', 'worker', 'migrate'] as const)('are told to the %s without their values', (process) => {
    const told = problemsOf(BAD, process).join('\n');
    expect(told).toMatch(/must be/);
    expect(told).not.toMatch(/7f3a|secret-|mysql/);
  });

  it.each(Object.entries(BAD))('%s is one with %s', (name, value) => {
    const readers = Object.entries(SETTINGS).find(([known]) => known === name)?.[1].usedBy ?? [];
    const [process = 'api'] = readers;
    expect(namesIn(problemsOf({ [name]: value }, process))).toEqual([name]);
  });

  it('stop the start with the sentences, one a line', () => {
    expect(() => loadConfig({ PORT: 'x', LOG_LEVEL: 'y' }, 'api')).toThrow(/^LOG_LEVEL must be .+\nPORT must be .+$/);
  });
});

describe('TRUSTED_PROXIES', () => {
  it.each(['10.0.0.0/8', '127.0.0.1, ::1', 'fd00::/8,192.168.0.1/32', '::ffff:10.0.0.1', 'fe80::1/128', ' 10.0.0.1 ,'])(
    'takes %s',
    (value) => {
      expect(problemsOf({ TRUSTED_PROXIES: value })).toEqual([]);
    },
  );

  it.each([
    '1.2.3.4/33',
    '1.2.3.4/99',
    'fe80::/129',
    ':::',
    '1.2.3',
    '1.2.3.4/',
    '1.2.3.4/8/8',
    '1.2.3.4/-1',
    '1.2.3.4/255.0.0.0',
    '01.2.3.4',
    '0.0.0.0/0',
    '::/0',
    'fe80::1%eth-0',
    'loopback',
    'proxy.example.com',
    '*',
    '10.0.0.1 10.0.0.2',
  ])('is named as bad with %s', (value) =>
    expect(namesIn(problemsOf({ TRUSTED_PROXIES: `127.0.0.1,${value}` }))).toEqual(['TRUSTED_PROXIES']),
  );
});

describe('the configuration', () => {
  it.each(['api', 'worker', 'migrate'] as const)('needs nothing set for the %s', (process) => {
    expect(problemsOf({}, process)).toEqual([]);
  });

  it('takes empty for unset', () => {
    const empty = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, '']));
    expect(loadConfig(empty, 'api')).toEqual(loadConfig({}, 'api'));
    expect(loadConfig(empty, 'worker')).toEqual(loadConfig({}, 'worker'));
    expect(loadConfig(empty, 'api')).toMatchObject({ port: 8_000, jwtSecret: undefined, trustedProxies: [] });
  });

  it('is frozen', () => {
    const config = loadConfig({}, 'api');
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(config.port).toBe(8_000);
  });

  it.each(['postgresql+asyncpg://', 'postgresql+psycopg2://', 'postgres+asyncpg://'])(
    'ignores the driver in %s',
    (scheme) => {
      expect(loadConfig({ DATABASE_URL: `${scheme}u:p+q@h:5433/d?x=a+b` }, 'worker').databaseUrl).toBe(
        `${scheme.replace(/\+.*/, '')}://u:p+q@h:5433/d?x=a+b`,
      );
    },
  );

  it('never shows the worker what is for the API, nor the API the keys of providers', () => {
    const env = {
      JWT_SECRET: 'a secret of more than thirty-two bytes',
      GEMINI_API_KEY: 'g',
      OPENAI_API_KEY: 'o',
      ANTHROPIC_API_KEY: 'a',
    };
    expect(JSON.stringify(loadConfig(env, 'worker'))).not.toContain('thirty-two');
    expect(loadConfig(env, 'api')).toMatchObject({
      jwtSecret: env.JWT_SECRET,
      geminiApiKey: undefined,
      openaiApiKey: undefined,
      anthropicApiKey: undefined,
    });
  });

  it('counts the bytes of JWT_SECRET', () => {
    expect(problemsOf({ JWT_SECRET: 'x'.repeat(31) })).toHaveLength(1);
    expect(problemsOf({ JWT_SECRET: 'ü'.repeat(16) })).toEqual([]);
  });
});

describe('a secret', () => {
  const secret = 'a secret of more than thirty-two bytes';
  const files: Readonly<Record<string, string>> = {
    '/run/jwt': `${secret}\n`,
    '/run/url': 'postgres+asyncpg://u:p@h/d\r\n',
    '/run/empty': '\n',
    '/run/short': 'short-7f3a',
  };
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error(`ENOENT ${path}`);
    return text;
  };
  const problemsWith = (env: Readonly<Record<string, string>>): readonly string[] => {
    try {
      loadConfig(env, 'api', readFile);
      return [];
    } catch (error) {
      return error instanceof ConfigError ? error.problems : [String(error)];
    }
  };

  it('may come from a file, without the end of its line', () => {
    expect(loadConfig({ JWT_SECRET_FILE: '/run/jwt', DATABASE_URL_FILE: '/run/url' }, 'api', readFile)).toMatchObject({
      jwtSecret: secret,
      databaseUrl: 'postgres://u:p@h/d',
    });
  });

  it('has a file for each secret, and for nothing else', () => {
    const secrets = Object.entries(SETTINGS)
      .filter(([, { isSecret }]) => isSecret)
      .map(([name]) => name);
    expect(secrets).toEqual([
      'DATABASE_URL',
      'MIGRATE_DATABASE_URL',
      'MIGRATE_PGPASSWORD',
      'MONGODB_URL',
      'MIGRATE_MONGODB_URL',
      'REDIS_URL',
      'JWT_SECRET',
      'JWT_SECRET_PREVIOUS',
      'GEMINI_API_KEY',
      'OPENAI_API_KEY',
      'ANTHROPIC_API_KEY',
      'HTTPS_PROXY',
      'HTTP_PROXY',
    ]);
    expect(loadConfig({ PORT_FILE: '/run/jwt' }, 'api', readFile).port).toBe(8_000);
  });

  it('of the other process is not read', () => {
    expect(loadConfig({ JWT_SECRET_FILE: '/run/missing' }, 'worker', readFile).jwtSecret).toBeUndefined();
    expect(loadConfig({ GEMINI_API_KEY_FILE: '/run/missing' }, 'api', readFile).geminiApiKey).toBeUndefined();
  });

  it.each([
    [
      'a file that is not there',
      { JWT_SECRET_FILE: '/run/missing' },
      /^JWT_SECRET .*JWT_SECRET_FILE names, which cannot be read/,
    ],
    ['an empty file', { JWT_SECRET_FILE: '/run/empty' }, /^JWT_SECRET .*which is empty/],
    ['a file with a bad value', { JWT_SECRET_FILE: '/run/short' }, /^JWT_SECRET must have 32 bytes or more/],
    [
      'a file and a variable',
      { JWT_SECRET_FILE: '/run/jwt', JWT_SECRET: secret },
      /^JWT_SECRET must not be set when JWT_SECRET_FILE is/,
    ],
  ])('is one sentence with %s, without path and value, and one only in production', (_, env, sentence) => {
    expect(problemsWith(env)).toEqual([expect.stringMatching(sentence)]);
    expect(problemsWith({ ...PRODUCTION, ...env })).toEqual(problemsWith(env));
    expect(problemsWith(env).join()).not.toMatch(/\/run\/|7f3a|thirty/);
  });

  it.each(['', undefined])('counts a path of %p as unset', (path) => {
    expect(loadConfig({ JWT_SECRET: secret, JWT_SECRET_FILE: path }, 'api', readFile).jwtSecret).toBe(secret);
  });
});
