import pg from 'pg';

/** Server gone, starting, shutting down, out of connections, disk or memory, or a standby that takes no writes. */
const OUTAGE = /^(08|53|57P|58|25006)/;
/** Statement or lock timeout, serialization failure, deadlock: the statement may be repeated. */
const TRANSIENT = /^(57014|55P03|40001|40P01)$/;

/** The connection could not be made, broke, or was cut at the deadline. Whether a statement under way was carried out is unknown. */
export class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super('the connection to PostgreSQL was lost', { cause });
    this.name = 'ConnectionLost';
  }
}

/** What the driver throws, sorted: the server's own errors fly as they are, a wrong argument is a bug, all else means that the connection is gone. */
export function fromDriver(error: unknown): unknown {
  return error instanceof pg.DatabaseError || error instanceof TypeError ? error : new ConnectionLost(error);
}

/** True when the server could not be reached or could not work at all. */
export function isOutage(error: unknown): boolean {
  return error instanceof ConnectionLost || (error instanceof pg.DatabaseError && OUTAGE.test(error.code ?? ''));
}

/** True when the same transaction may succeed if it is tried again at once. */
export function isTransient(error: unknown): boolean {
  return error instanceof pg.DatabaseError && TRANSIENT.test(error.code ?? '');
}

/**
 * True when a prepared statement would give other columns than when its connection prepared it, since a migration changed a table, a type or a function. It was not carried out, and never will be on that
 * connection, though it may on another.
 */
export function isStalePlan(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '0A000' && error.routine === 'RevalidateCachedQuery';
}

/** True when `error` says that a row would have broken the unique constraint or index of this name. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === constraint;
}

/** True when a table or its schema is not there (yet). */
export function isUndefinedTable(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '42P01' || error.code === '3F000');
}
