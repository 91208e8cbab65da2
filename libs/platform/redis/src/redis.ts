import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { atMost, Breaker, storeCalled, Unavailable } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { Redis as Client, ReplyError } from 'ioredis';

/** Longest that one call may take. */
export const DEADLINE_MS = 1_000;

/** Everything of ours in Redis begins with this; the braces keep the keys of a queue on one node of a cluster. */
export const PREFIX = '{edgechat}';

export interface Subscriber {
  readonly onMessage: (message: string) => void;
  /** Called when the subscription stands again after it was lost: what was published meanwhile is gone. */
  readonly onReconnect: () => void;
}

/** How long a call waits, and who remembers that Redis did not answer in that time: calls with less patience than others skip it by themselves. An answer to any call shows all that it is back. */
export interface Patience {
  readonly deadlineMs: number;
  readonly breaker: Breaker;
}

/**
 * The one way to Redis for commands and signals (BullMQ has connections of its own). It may lose everything at any moment; who uses it lives with that.
 * @throws Unavailable `redis` within 1 s, at once while it is skipped (see Breaker).
 */
@Injectable()
export class Redis implements OnApplicationShutdown {
  readonly client: Client;
  private readonly subscribers = new Map<string, Subscriber>();
  private readonly breaker = new Breaker();
  private subscription: Client | null = null;
  private wasUp = false;

  constructor(
    private readonly config: Config,
    private readonly log: Log,
  ) {
    // No timeout for each command: `run` has one for what a call asks. The commands of one turn of the event loop are written together: a write costs the process more than what is in it.
    this.client = this.connect({
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableAutoPipelining: true,
    });
    this.client.on('ready', () => {
      this.wasUp = true;
      this.log.info('connected to Redis');
    });
  }

  /** True once the server was reached, and for ever after. */
  get hasStarted(): boolean {
    return this.wasUp;
  }

  key(name: string): string {
    return `${PREFIX}:${name}`;
  }

  /** Runs commands that need one round trip, named for those who count them. */
  run<T>(
    operation: string,
    work: (client: Client) => Promise<T>,
    { deadlineMs, breaker }: Patience = { deadlineMs: DEADLINE_MS, breaker: this.breaker },
  ): Promise<T> {
    return breaker.run(
      () => this.attempt(operation, work, deadlineMs),
      (error) => error instanceof Unavailable,
    );
  }

  /** Hears every message of a channel from now on, on a connection that comes back by itself. One listener per channel and process. */
  subscribe(channel: string, subscriber: Subscriber): void {
    this.subscribers.set(this.key(channel), subscriber);
    this.subscription ??= this.listen();
    if (this.subscription.status === 'ready')
      void this.subscription.subscribe(this.key(channel)).catch(() => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    this.client.disconnect();
    this.subscription?.disconnect();
    return Promise.resolve();
  }

  /** BullMQ waits without a limit for a connection that is not ready, and a command for an answer. */
  private async attempt<T>(operation: string, work: (client: Client) => Promise<T>, deadlineMs: number): Promise<T> {
    if (this.client.status !== 'ready') throw new Unavailable('redis', { cause: new Error('not connected') });
    storeCalled('redis', operation);
    try {
      const result = await atMost(deadlineMs, work(this.client));
      if (!result.isLate) {
        this.breaker.close();
        return result.value;
      }
    } catch (error) {
      throw isOutage(error) ? new Unavailable('redis', { cause: error }) : error;
    }
    throw new Unavailable('redis', { cause: new Error(`no answer within ${deadlineMs} ms`) });
  }

  private listen(): Client {
    const client = this.connect({ autoResubscribe: false, maxRetriesPerRequest: null });
    client.on('ready', () => {
      void client.subscribe(...this.subscribers.keys()).then(
        () => this.subscribers.forEach((subscriber) => subscriber.onReconnect()),
        () => client.disconnect(true),
      );
    });
    client.on('message', (channel: string, message: string) => this.subscribers.get(channel)?.onMessage(message));
    return client;
  }

  private connect(options: object): Client {
    const client = new Client(this.config.redisUrl, {
      connectTimeout: 2_000,
      keepAlive: 5_000,
      disconnectTimeout: 100,
      retryStrategy: (times) => Math.min(times * 100, 1_000),
      ...options,
    });
    client.on('error', (error) => this.log.debug('the connection to Redis failed', { error }));
    client.on('end', () => this.log.debug('a connection to Redis has ended'));
    return client;
  }
}

/** All but what Redis itself answers means that it was not reached in time. A server that loads, has no memory or is a replica answers, yet cannot work. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    !(error instanceof ReplyError) ||
    /^(LOADING|OOM|READONLY|MISCONF|CLUSTERDOWN|TRYAGAIN|NOAUTH|MASTERDOWN)\b/.test(error.message)
  );
}
