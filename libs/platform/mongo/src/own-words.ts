/**
 * What a server, or the way to it, has failed with. The driver waits for a server that can be used and then says only that there was none: why stands with each server that it tried.
 */
export function ownWords(error: unknown): unknown {
  const reason = error instanceof Error && 'reason' in error ? error.reason : null;
  const servers = typeof reason === 'object' && reason !== null && 'servers' in reason ? reason.servers : null;
  if (!(servers instanceof Map)) return error;
  for (const server of servers.values()) {
    const tried: unknown = server;
    if (typeof tried === 'object' && tried !== null && 'error' in tried && tried.error instanceof Error)
      return tried.error;
  }
  return error;
}

const HINT = 'Nothing there answers as MongoDB does: is it another server, or does it want TLS (tls=true), or none?';

/** What to look at, when not even the driver knows why there was no server. */
export function hintAbout(error: unknown): string | undefined {
  const isUnexplained = error instanceof Error && 'reason' in error && ownWords(error) === error;
  return isUnexplained ? HINT : undefined;
}
