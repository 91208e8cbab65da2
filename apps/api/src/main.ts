import 'reflect-metadata';
import { Session } from 'node:inspector';
import { Authenticator } from '@edgechat/identity';
import { ConfigError, loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { RequestMeter } from '@edgechat/usage';
import { AppModule } from './app.module.js';
import { Draining } from './health/draining.js';
import { OpenRequests, stop } from './health/stop.js';
import { createApp } from './http/create-app.js';
import { RateLimit } from './http/rate-limit.js';

/** Connections that may wait to be accepted: thousands of clients that come back in the same instant, after a restart, are not turned away by the kernel (Node's default is 511). */
const LISTEN_BACKLOG = 4_096;

/** Starts the API: listens at once, and lets the stores come when they come. */
async function main(): Promise<void> {
  const config = loadConfig(process.env, 'api');
  const log = new Log('api', config.logLevel);
  const app = await createApp(AppModule.for(config, log), config, log, (made) => ({
    authenticator: made.get(Authenticator, { strict: false }),
    meter: made.get(RequestMeter, { strict: false }),
    rateLimit: made.get(RateLimit),
    draining: made.get(Draining),
  }));
  const open = new OpenRequests(app.getHttpServer());
  let stopping: Promise<void> | null = null;
  const onSignal = (signal: string): void => {
    log.info('stopping', { signal });
    // A second signal changes nothing: Ctrl-C reaches the process from the terminal and again from who started it.
    stopping ??= stop(app, open, app.get(Draining), config.drainTimeoutMs)
      .catch((error: unknown) => log.error('the stop failed', { error }))
      .finally(() => process.exit(0));
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  process.on('uncaughtException', (error) => {
    log.error('a bug ended the process', { error });
    process.exit(1);
  });
  await app.init();
  await letGoOfTheStart();
  await app.listen({ port: config.port, host: config.host, backlog: LISTEN_BACKLOG });
  log.info('the API listens', { address: await app.getUrl() });
  process.send?.('listening', undefined, undefined, () => undefined); // to `npm start`, which must not take what another program answers at this port for ours
}

/**
 * Gives back the memory that only the start needed, a fifth of the whole, before anybody waits for an answer: it takes 0.1 s. V8 would keep it until the process was
 * idle for half a minute, and `gc()` gives back none of the young generation, which has grown to its full 32 MiB by now.
 */
async function letGoOfTheStart(): Promise<void> {
  const session = new Session();
  session.connect();
  // V8 holds a lock while it calls back, which a disconnect from there would wait for, for ever.
  await new Promise<void>((resolve) => session.post('HeapProfiler.collectGarbage', () => setImmediate(resolve)));
  session.disconnect();
}

/** Says in one sentence what a person must change; what no person can change is told with its stack. */
function failure(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const port = error instanceof Error && 'port' in error ? error.port : '';
  if (code === 'EADDRINUSE') return `Port ${port} is taken by another program. Stop it, or set PORT to another one.`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'HOST is a name that no address is found for. Set it to an address of this machine, or 0.0.0.0 for all of them.';
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL')
    return 'Cannot listen on HOST and PORT as they are set. Choose a port from 1024 on and an address of this machine.';
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${failure(error)}\n`);
  process.exit(1);
}
