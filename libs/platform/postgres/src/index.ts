export { isUndefinedTable, isUniqueViolation } from './errors.js';
export { Postgres, type Sql, type Statement } from './postgres.js';
