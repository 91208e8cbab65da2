export { tryAppLogin } from './app-role.js';
export { DatabaseModule } from './database.module.js';
export { migrate } from './migrate.js';
export { RELEASE, readSchemaState } from './schema-state.js';
export { SearchPostgres } from './search-postgres.js';
