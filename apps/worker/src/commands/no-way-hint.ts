const HINT =
  ' Is it outside of the compose stack? Only the worker can call out there: name docker/compose.managed.yml as well (docs/deploy.md, "Networks").';

/** What the resolver of the system says, what that of Node.js says (of names as in mongodb+srv://), and what the network says. */
const NO_WAY = new Set<unknown>(['EAI_AGAIN', 'ESERVFAIL', 'EREFUSED', 'ENETUNREACH']);

/**
 * What to look at when a store's name is unknown, or no way leads to it: from the networks of the compose files migrate reaches the stack's own stores alone.
 * A sentence after a blank, or nothing for every other error.
 */
export function noWayHint(error: unknown): string {
  // MongoDB's driver keeps the network's error as the cause of its own.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const isNoName = code === 'ETIMEOUT' && cause instanceof Error && 'syscall' in cause && cause.syscall === 'querySrv';
  return isNoName || NO_WAY.has(code) ? HINT : '';
}
