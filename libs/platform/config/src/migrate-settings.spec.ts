import { loadConfig } from './config.js';

describe('the logins of migrate', () => {
  it('are shown to migrate alone', () => {
    const env = {
      MIGRATE_DATABASE_URL: 'postgresql://owner:o@h/d',
      MIGRATE_PGPASSWORD: 'o',
      MIGRATE_MONGODB_URL: 'mongodb://owner:o@h/d',
    };
    for (const process of ['api', 'worker'] as const)
      expect(loadConfig({ ...env, MIGRATE_DATABASE_URL_FILE: '/run/missing' }, process)).toEqual(
        loadConfig({}, process),
      );
    expect(loadConfig(env, 'migrate')).toMatchObject({
      migrateDatabaseUrl: env.MIGRATE_DATABASE_URL,
      migratePgpassword: 'o',
      migrateMongodbUrl: env.MIGRATE_MONGODB_URL,
    });
  });

  it('are beside what the worker reads, and nothing of the API', () => {
    const env = { OPENAI_MODEL: 'model', JWT_SECRET: 'a secret of more than thirty-two bytes' };
    expect(loadConfig(env, 'migrate')).toEqual(loadConfig(env, 'worker'));
  });
});
