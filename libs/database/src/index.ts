export { tryAppLogin } from './app-login.js';
export { DatabaseModule } from './database.module.js';
export { sharedWithOwner } from './logins.js';
export { migrate } from './migrate.js';
export { RELEASE, readSchemaState } from './schema-state.js';
export { SearchPostgres } from './search-postgres.js';
