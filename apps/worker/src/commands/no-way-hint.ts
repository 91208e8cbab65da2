const HINT =
  ' Is it outside of the compose stack? Only the worker can call out there: name docker/compose.managed.yml as well (docs/deploy.md, "Networks").';

/**
 * What to look at when a store's name is unknown, or no way leads to it: from the networks of the compose files migrate reaches the stack's own stores alone.
 * A sentence after a blank, or nothing for every other error.
 */
export function noWayHint(error: unknown): string {
  // MongoDB's driver keeps the network's error as the cause of its own.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'EAI_AGAIN' || code === 'ENETUNREACH' ? HINT : '';
}
