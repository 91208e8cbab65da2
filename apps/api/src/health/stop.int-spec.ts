import { Agent, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { Unavailable } from '@edgechat/kernel';
import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Public } from '../http/access.js';
import { createApp } from '../http/create-app.js';
import { Draining } from './draining.js';
import { OpenRequests, stop } from './stop.js';

interface Answer {
  readonly status: number | undefined;
  readonly connection: string | undefined;
  readonly code: string | undefined;
}

@Controller()
class SlowController {
  constructor(@Inject(Draining) private readonly draining: Draining) {}

  @Get('slow')
  @Public()
  async slow(): Promise<{ done: boolean }> {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { done: true };
  }

  /** Waits like a send whose answer does not come. */
  @Get('waiting')
  @Public()
  async waiting(): Promise<never> {
    await new Promise((resolve) => this.draining.signal.addEventListener('abort', resolve));
    throw new Unavailable('assistant', { code: 'answer_pending', retryAfterS: 1 });
  }

  /** Does not care that it should end. */
  @Get('stuck')
  @Public()
  stuck(): Promise<never> {
    return new Promise(() => undefined);
  }
}

@Module({ controllers: [SlowController], providers: [Draining] })
class SlowModule {}

describe('stopping the API', () => {
  const anApi = async (): Promise<{
    ask: (path: string, agent?: Agent) => Promise<Answer>;
    stopped: (drainTimeoutMs: number) => Promise<number>;
  }> => {
    const log = new Log('test', 'error');
    const count = () => Promise.resolve({ isExceeded: false, remaining: 1, resetS: 1 });
    const app = await createApp(SlowModule, loadConfig({}, 'api'), log, (made) => ({
      authenticator: {
        known: () => null,
        authenticate: () => Promise.reject(new Error()),
        sessionOf: () => Promise.resolve(null),
      },
      meter: { count: () => undefined },
      rateLimit: { policy: '', count, countRefresh: count },
      draining: made.get(Draining),
    }));
    const server: Server = app.getHttpServer();
    const open = new OpenRequests(server);
    await app.listen(0, '127.0.0.1');
    const { port } = server.address() as AddressInfo;
    const ask = (path: string, agent?: Agent): Promise<Answer> =>
      new Promise((resolve, reject) => {
        get(
          { port, host: '127.0.0.1', path: `/api/v1/${path}`, ...(agent === undefined ? {} : { agent }) },
          (response) => {
            const chunks: Buffer[] = [];
            response
              .on('data', (chunk: Buffer) => chunks.push(chunk))
              .on('end', () =>
                resolve({
                  status: response.statusCode,
                  connection: response.headers.connection,
                  code: JSON.parse(Buffer.concat(chunks).toString()).code,
                }),
              );
          },
        ).on('error', reject);
      });
    const stopped = async (drainTimeoutMs: number): Promise<number> => {
      const beganAt = Date.now();
      await stop(app, open, app.get(Draining), drainTimeoutMs);
      return Date.now() - beganAt;
    };
    return { ask, stopped };
  };

  const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));

  it('ends at once when nothing is open, kept connections or not', async () => {
    const { ask, stopped } = await anApi();
    const agent = new Agent({ keepAlive: true });
    await ask('slow', agent);
    expect(await stopped(10_000)).toBeLessThan(500);
    agent.destroy();
  });

  it('answers an open request, and takes no new connection', async () => {
    const { ask, stopped } = await anApi();
    const slow = ask('slow');
    await soon();
    const ended = stopped(10_000);
    await expect(ask('slow')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await slow).toMatchObject({ status: 200, connection: 'close' });
    expect(await ended).toBeLessThan(2_000);
  });

  it('lets what waits answer when its patience ends', async () => {
    const { ask, stopped } = await anApi();
    const waiting = ask('waiting');
    await soon();
    const ended = stopped(400);
    expect(await waiting).toMatchObject({ status: 503, code: 'answer_pending' });
    expect(await ended).toBeLessThan(1_500);
  });

  it('hangs up on what is stuck', async () => {
    const { ask, stopped } = await anApi();
    const stuck = ask('stuck');
    void stuck.catch(() => undefined);
    await soon();
    expect(await stopped(200)).toBeLessThan(2_000);
    await expect(stuck).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
