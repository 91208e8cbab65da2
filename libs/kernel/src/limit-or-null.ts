/** A limit as PostgreSQL takes it: null where there is none. */
export const limitOrNull = (limit: number): number | null => (limit === Infinity ? null : limit);
