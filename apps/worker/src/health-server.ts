import { createServer, type Server } from 'node:http';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '@edgechat/platform/config';
import { Health } from '@edgechat/platform/health';
import { Log } from '@edgechat/platform/logging';

/** The worker's health for probes on the same machine: `/health`, `/health/started`, `/health/ready`, with the meanings they have in the API. */
@Injectable()
export class HealthServer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly server: Server;

  constructor(
    private readonly health: Health,
    private readonly config: Config,
    private readonly log: Log,
  ) {
    this.server = createServer((request, response) => {
      void this.answer(request.url ?? '').then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
  }

  onApplicationBootstrap(): void {
    this.server.on('error', (error) => {
      this.log.error(
        `The worker's health calls cannot be served on port ${this.config.workerHealthPort}: it is taken or not allowed. Set WORKER_HEALTH_PORT to a free one.`,
        { error },
      );
      process.exit(1);
    });
    // To `npm start`, which must not take what another program answers at this port for ours.
    this.server.listen(this.config.workerHealthPort, '127.0.0.1', () =>
      process.send?.('listening', undefined, undefined, () => undefined),
    );
  }

  onApplicationShutdown(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(url: string): Promise<{ status: number; body: object }> {
    if (url === '/health') return { status: 200, body: { status: 'ok' } };
    if (url === '/health/started')
      return this.health.isStarted
        ? { status: 200, body: { status: 'ok' } }
        : { status: 503, body: { status: 'not started' } };
    if (url !== '/health/ready') return { status: 404, body: { status: 'not found' } };
    const checks = await this.health.checkAll();
    const isReady = Object.values(checks).every((check) => check === 'connected');
    return { status: isReady ? 200 : 503, body: { status: isReady ? 'ok' : 'not ready', checks } };
  }
}
