import { namesIn, problemsOf } from './test-problems.js';

type Env = Readonly<Record<string, string>>;

const STORES = {
  DATABASE_URL: 'postgresql://edgechat:vUz8kq2Lmw7d@db.example.com:5432/edgechat?sslmode=verify-full',
  MONGODB_URL: 'mongodb://edgechat:vUz8kq2Lmw7d@a.example.com,b.example.com:27018/edgechat?authSource=admin',
  REDIS_URL: 'rediss://:vUz8kq2Lmw7d@cache.example.com:6379/0',
};
const PRODUCTION = {
  APP_ENV: 'production',
  ...STORES,
  JWT_SECRET: 'f3c1a09b5d7e2846b80c9d1e3f5a7264',
  CORS_ORIGINS: 'https://app.example',
  AI_TOKENS_PER_DAY: 'unlimited',
};
const PROCESSES = ['api', 'worker'] as const;
const NAMES = ['DATABASE_URL', 'MONGODB_URL', 'REDIS_URL'] as const;

describe('APP_ENV=production', () => {
  it.each(PROCESSES)(
    'starts the %s with secrets, named origins, stores with passwords and a real provider',
    (process) => {
      expect(problemsOf(PRODUCTION, process)).toEqual([]);
      expect(problemsOf({ ...PRODUCTION, AI_PROVIDER: 'gemini' }, process)).toEqual([]);
    },
  );

  it('asks the API for JWT_SECRET, for origins other than *, for a limit and for passwords of the stores', () => {
    const asked = ['JWT_SECRET', 'CORS_ORIGINS', 'AI_TOKENS_PER_DAY', ...NAMES];
    expect(namesIn(problemsOf({ APP_ENV: 'production' }))).toEqual(asked);
    expect(namesIn(problemsOf({ ...PRODUCTION, AI_TOKENS_PER_DAY: '' }, 'worker'))).toEqual(['AI_TOKENS_PER_DAY']);
    expect(namesIn(problemsOf({ ...PRODUCTION, CORS_ORIGINS: 'https://app.example,*' }))).toEqual(['CORS_ORIGINS']);
    expect(namesIn(problemsOf({ ...PRODUCTION, JWT_SECRET: 'short' }))).toEqual(['JWT_SECRET']);
  });

  it('lets no demo provider answer', () => {
    expect(namesIn(problemsOf({ ...PRODUCTION, AI_PROVIDER: 'demo' }, 'worker'))).toEqual(['AI_PROVIDER']);
  });

  it.each(['JWT_SECRET', 'JWT_SECRET_PREVIOUS'])(
    'refuses a %s that can be guessed, in one sentence without it',
    (name) => {
      for (const value of ['a'.repeat(32), 'changeme-in-production-please-32-bytes', '0123456789abcdef'.repeat(2)]) {
        const problems = problemsOf({ ...PRODUCTION, [name]: value });
        expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name} must be random .+ makes another\\.$`))]);
        expect(problems.join()).not.toContain(value);
        expect(problemsOf({ ...PRODUCTION, [name]: value }, 'worker')).toEqual([]);
        expect(problemsOf({ [name]: value })).toEqual([]);
      }
    },
  );

  it.each(['null', 'https://app.example,null', '["null"]', ' null '])(
    'lets no page of nobody call: CORS_ORIGINS=%s',
    (value) => {
      expect(problemsOf({ ...PRODUCTION, CORS_ORIGINS: value })).toEqual([
        expect.stringMatching(/^CORS_ORIGINS must not have null: /),
      ]);
    },
  );
});

describe.each(PROCESSES)('in production the %s', (process) => {
  const refuses = (env: Env): readonly string[] => problemsOf({ ...PRODUCTION, ...env }, process);

  it.each([
    ['DATABASE_URL', 'postgresql://edgechat:edgechat@127.0.0.1:5432/edgechat'],
    ['DATABASE_URL', 'postgresql://u:postgres@h/d'],
    ['DATABASE_URL', 'postgresql://payments:payments@h/d'],
    ['DATABASE_URL', 'postgresql://u:payments1@h/payments'],
    ['DATABASE_URL', 'postgresql://u:payments1@payments.example/d'],
    ['DATABASE_URL', 'postgresql://u@h/d?password=changeme'],
    ['DATABASE_URL', 'postgresql://u:vUz8kq2Lmw7d@h/d?password=postgres'],
    ['DATABASE_URL', 'postgresql:///d?host=/run/postgresql&user=payments&password=payments'],
    ['DATABASE_URL', 'postgresql://u:k7$Pq!2@h/d'],
    ['DATABASE_URL', 'postgresql://u:%70ostgres@h/d'],
    ['DATABASE_URL', 'postgresql+asyncpg://u:postgres@h/d'],
    ['MONGODB_URL', 'mongodb://root:example@h/edgechat'],
    ['MONGODB_URL', 'mongodb+srv://u:password123@cluster.example/d'],
    ['MONGODB_URL', 'mongodb://u:rs-payments@a.example,rs-payments.example/d'],
    ['REDIS_URL', 'redis://:redis@h/0'],
    ['REDIS_URL', 'redis://:12345678@h/0'],
    ['REDIS_URL', 'redis://h/0?password=foobared'],
  ])('refuses a default password, in one sentence without it, wherever the store is: %s=%s', (name, value) => {
    for (const INSECURE_STORES of ['', 'postgres,mongo,redis']) {
      const problems = refuses({ [name]: value, INSECURE_STORES });
      expect(problems).toEqual([expect.stringMatching(new RegExp(`^${name} must have another password when .+\\.$`))]);
      expect(problems.join()).not.toMatch(/changeme|payments|1234|Pq|foobared/);
    }
  });

  it.each([
    ['DATABASE_URL', 'postgres', 'postgresql://edgechat@h/d'],
    ['DATABASE_URL', 'postgres', 'postgresql://edgechat:@h/d'],
    ['DATABASE_URL', 'postgres', 'postgresql://edgechat@h/d?sslcert=/c&sslkey=/k'],
    ['DATABASE_URL', 'postgres', 'postgresql:///d?host=/run/postgresql&password='],
    ['MONGODB_URL', 'mongo', 'mongodb://mongo:27017/edgechat'],
    ['MONGODB_URL', 'mongo', 'mongodb://CN=me@h/d?authMechanism=MONGODB-X509&tls=true'],
    ['MONGODB_URL', 'mongo', 'mongodb://%2Ftmp%2Fmongodb.sock/d'],
    ['REDIS_URL', 'redis', 'redis://redis:6379/0'],
    ['REDIS_URL', 'redis', 'redis://user@h/0'],
    ['REDIS_URL', 'redis', 'redis:///1'],
  ])('refuses a store without a password unless INSECURE_STORES names it: %s, %s, %s', (name, store, value) => {
    const others = ['postgres', 'mongo', 'redis'].filter((one) => one !== store).join(',');
    for (const INSECURE_STORES of ['', others])
      expect(refuses({ [name]: value, INSECURE_STORES })).toEqual([
        expect.stringMatching(new RegExp(`^${name} must have a password .+ INSECURE_STORES names ${store}: .+\\.$`)),
      ]);
    for (const INSECURE_STORES of [store, `postgres, mongo ,redis,`])
      expect(refuses({ [name]: value, INSECURE_STORES })).toEqual([]);
    expect(problemsOf({ [name]: value }, process)).toEqual([]);
  });

  it('takes the password of PostgreSQL from PGPASSWORD where the URL has none, and looks at it as well', () => {
    const DATABASE_URL = 'postgresql://edgechat@postgres:5432/edgechat';
    expect(refuses({ DATABASE_URL, PGPASSWORD: 'vUz8kq2Lmw7d' })).toEqual([]);
    expect(refuses({ DATABASE_URL, PGPASSWORD: '' })).toEqual([
      expect.stringMatching(/^DATABASE_URL must have a password /),
    ]);
    for (const INSECURE_STORES of ['', 'postgres'])
      expect(refuses({ DATABASE_URL, PGPASSWORD: 'edgechat', INSECURE_STORES })).toEqual([
        expect.stringMatching(/^PGPASSWORD \(.+ of Docker Compose\) must be another password /),
      ]);
    expect(refuses({ PGPASSWORD: 'edgechat' })).toEqual([]);
    expect(refuses({ MONGODB_URL: 'mongodb://mongo/d', PGPASSWORD: 'vUz8kq2Lmw7d' })).toHaveLength(1);
  });

  it('names a URL that is none once', () => {
    expect(namesIn(refuses({ MONGODB_URL: 'mongo' }))).toEqual(['MONGODB_URL']);
  });

  it('takes what docker/make-secrets makes', () => {
    const password = '0f9c4d1b7a3e58260f1d9b4c7e6a3852a4b1c8d7e2f90563b7a1d4c8e9f20365';
    expect(
      refuses({
        DATABASE_URL: `postgresql://edgechat:${password}@postgres:5432/edgechat`,
        MONGODB_URL: `mongodb://edgechat:${password}@mongo:27017/edgechat?authSource=admin`,
        REDIS_URL: `redis://:${password}@redis:6379/0`,
        PGPASSWORD: '',
      }),
    ).toEqual([]);
  });
});

describe('the logins of migrate alone', () => {
  const good = 'vUz8kq2Lmw7d';
  const env = {
    APP_ENV: 'production',
    AI_TOKENS_PER_DAY: 'unlimited',
    DATABASE_URL: `postgresql://edgechat_app:${good}@postgres:5432/edgechat`,
    MONGODB_URL: `mongodb://edgechat_app:${good}@mongo:27017/edgechat`,
    REDIS_URL: `redis://edgechat_app:${good}@redis:6379/0`,
    MIGRATE_DATABASE_URL: 'postgresql://edgechat@postgres:5432/edgechat',
    MIGRATE_MONGODB_URL: `mongodb://edgechat:${good}@mongo:27017/edgechat`,
  };

  it('are refused as all others, and to migrate alone', () => {
    const own = { MIGRATE_PGPASSWORD: 'edgechat', MIGRATE_MONGODB_URL: 'mongodb://mongo:27017/edgechat' };
    expect(problemsOf({ ...env, ...own }, 'migrate')).toEqual([
      expect.stringMatching(/^MIGRATE_PGPASSWORD \(POSTGRES_PASSWORD of Docker Compose\) must be another password /),
      expect.stringMatching(/^MIGRATE_MONGODB_URL must have a password /),
    ]);
    expect(problemsOf({ ...env, ...own }, 'worker')).toEqual([]);
  });

  it('have the password of their own variable, else that of PGPASSWORD', () => {
    expect(problemsOf({ ...env, MIGRATE_PGPASSWORD: good }, 'migrate')).toEqual([]);
    expect(problemsOf({ ...env, PGPASSWORD: good }, 'migrate')).toEqual([]);
    expect(problemsOf(env, 'migrate')).toEqual([expect.stringMatching(/^MIGRATE_DATABASE_URL must have a password /)]);
  });

  it('are beside those of all processes, which are refused to migrate too', () => {
    const REDIS_URL = 'redis://redis:6379/0';
    expect(problemsOf({ ...env, MIGRATE_PGPASSWORD: good, REDIS_URL }, 'migrate')).toEqual([
      expect.stringMatching(/^REDIS_URL must have a password /),
    ]);
  });
});
