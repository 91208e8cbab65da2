import { sharedWithOwner } from '@edgechat/database';
import type { Config } from '@edgechat/platform/config';
import type { AppUserMade } from '@edgechat/platform/mongo';

const ONE_POSTGRES_LOGIN =
  'API and worker log in to PostgreSQL as the owner of the schema: set MIGRATE_DATABASE_URL to that login, and DATABASE_URL to one that migrate makes, which may read and write rows only (docs/deploy.md, Upgrade).';
const ONE_PASSWORD =
  'The logins of MIGRATE_DATABASE_URL and DATABASE_URL have one password: whoever breaks into API or worker can log in as the owner of the schema. Give DATABASE_URL another one; with Docker Compose by POSTGRES_APP_PASSWORD (docs/deploy.md, One host).';
const ONE_MONGO_LOGIN =
  'API and worker log in to MongoDB as migrate does: set MIGRATE_MONGODB_URL to that login, and MONGODB_URL to one that migrate makes, which may read and write messages only (docs/deploy.md, Upgrade).';
const NO_USERS =
  'MIGRATE_MONGODB_URL may not make users in this MongoDB: the user of MONGODB_URL stays as it is (docs/deploy.md, Logins).';

/** What a public server should change in its logins to PostgreSQL; null for every other one, and where all is well. */
export function postgresWarning(config: Config): string | null {
  if (config.appEnv !== 'production') return null;
  const shared = sharedWithOwner(config);
  return shared === 'user' ? ONE_POSTGRES_LOGIN : shared === 'password' ? ONE_PASSWORD : null;
}

/** The same for MongoDB, by what became of the user of MONGODB_URL. A MongoDB without passwords that the operator has named (INSECURE_STORES) has no logins to part. */
export function mongoWarning({ appEnv, insecureStores }: Config, made: AppUserMade): string | null {
  if (made === 'forbidden') return NO_USERS;
  return made === 'left' && appEnv === 'production' && !insecureStores.includes('mongo') ? ONE_MONGO_LOGIN : null;
}
