import { loadConfig, type Config } from '@edgechat/platform/config';
import { mongoWarning, postgresWarning } from './login-warnings.js';

const APP = 'postgresql://app:0f9c4d1b7a3e5826@h/d';
const OWNER = 'postgresql://owner:a4b1c8d7e2f90563@h/d';
const configWith = (env: Readonly<Record<string, string>>): Config =>
  loadConfig(
    {
      APP_ENV: 'production',
      AI_TOKENS_PER_DAY: 'unlimited',
      DATABASE_URL: APP,
      INSECURE_STORES: 'mongo,redis',
      ...env,
    },
    'migrate',
  );

describe('of the logins to PostgreSQL migrate warns in production', () => {
  it.each([
    ['when there is one', {}],
    ['when both URLs name one user', { MIGRATE_DATABASE_URL: APP }],
  ])('%s', (_, env) => {
    const sentence = 'API and worker log in to PostgreSQL as the owner of the schema';
    expect(postgresWarning(configWith(env))).toContain(sentence);
    expect(postgresWarning(configWith({ ...env, APP_ENV: 'development' }))).toBeNull();
  });

  it('when both have one password', () => {
    const DATABASE_URL = OWNER.replace('owner', 'app');
    const env = { DATABASE_URL, MIGRATE_DATABASE_URL: OWNER };
    expect(postgresWarning(configWith(env))).toContain('have one password');
    expect(postgresWarning(configWith({ ...env, APP_ENV: 'development' }))).toBeNull();
  });

  it('and not when there are two, each with its own', () => {
    expect(postgresWarning(configWith({ MIGRATE_DATABASE_URL: OWNER }))).toBeNull();
  });
});

describe('of the logins to MongoDB migrate warns', () => {
  const MONGODB_URL = 'mongodb://me:0f9c4d1b7a3e5826@h/d';
  const named = configWith({ MONGODB_URL, INSECURE_STORES: 'redis' });

  it('in production when there is one, unless INSECURE_STORES names it', () => {
    expect(mongoWarning(named, 'left')).toContain('API and worker log in to MongoDB as migrate does');
    expect(mongoWarning(named, 'made')).toBeNull();
    expect(mongoWarning(configWith({ MONGODB_URL }), 'left')).toBeNull();
    expect(mongoWarning(configWith({ MONGODB_URL, APP_ENV: 'development' }), 'left')).toBeNull();
  });

  it('everywhere when its own may make no users', () => {
    expect(mongoWarning(configWith({ APP_ENV: 'development' }), 'forbidden')).toContain('may not make users');
  });
});
