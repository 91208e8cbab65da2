import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { atMost } from '@edgechat/kernel';
import type { Draining } from './draining.js';

/** What answers need to go out after the patience ended. */
const LAST_ANSWERS_MS = 250;
/** What the rest of the stop (counts to write, connections to close) may take; then the process ends anyway. */
const CLOSE_MS = 1_600;

/** Knows when no request is open any more. */
export class OpenRequests {
  private count = 0;
  private whenNone: (() => void) | null = null;

  constructor(server: Server) {
    server.on('request', (_request, response) => {
      this.count += 1;
      response.once('close', () => this.left());
    });
  }

  /** Resolves when none is open, or after `ms`. */
  async ended(ms: number): Promise<void> {
    if (this.count === 0) return;
    await atMost(ms, new Promise<void>((resolve) => (this.whenNone = resolve)));
  }

  private left(): void {
    this.count -= 1;
    if (this.count === 0) this.whenNone?.();
  }
}

/**
 * Stops the API: takes no new work, lets open requests end for `drainTimeoutMs`, then has those that still wait answer at once, and closes.
 * Takes at most `drainTimeoutMs` + 1.85 s.
 */
export async function stop(
  app: INestApplication<Server>,
  open: OpenRequests,
  draining: Draining,
  drainTimeoutMs: number,
): Promise<void> {
  draining.begin();
  const server = app.getHttpServer();
  if (server.listening) server.close();
  server.closeIdleConnections();

  await open.ended(drainTimeoutMs);
  draining.expire();
  await open.ended(LAST_ANSWERS_MS);
  server.closeAllConnections();
  await atMost(CLOSE_MS, app.close());
}
