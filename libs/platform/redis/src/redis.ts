import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { atMost, Breaker, storeCalled, Unavailable } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log, Trouble } from '@edgechat/platform/logging';
import { Redis as Client } from 'ioredis';
import { hintAbout, inspectRedis, RedisUnfit } from './fitness.js';
import { PREFIX } from './prefix.js';
import { Refusals } from './refusals.js';
import { isOutage } from './reply-errors.js';

/** Longest that one call may take. */
export const DEADLINE_MS = 1_000;
const PROBE_KEPT_MS = 1_000;

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
  private readonly trouble: Trouble;
  private readonly refusals: Refusals;
  private readonly warned = new Set<string>();
  private subscription: Client | null = null;
  private wasUp = false;

  constructor(
    private readonly config: Config,
    private readonly log: Log,
  ) {
    this.trouble = new Trouble(log, 'Redis (REDIS_URL) cannot be used');
    this.refusals = new Refusals(this.trouble);
    // No timeout for each command: `run` has one for what a call asks. The commands of one turn of the event loop are written together: a write costs the process more than what is in it.
    this.client = this.connect({
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableAutoPipelining: true,
    });
    this.warnOfTrouble();
    this.client.on('ready', () => void this.inspect());
  }

  /** True once a server was reached that can be used, and for ever after. */
  get hasStarted(): boolean {
    return this.wasUp;
  }

  key(name: string): string {
    return `${PREFIX}:${name}`;
  }

  /**
   * Runs commands that need one round trip, named for those who count them.
   * @param onLate is given the answer that came after all, when the call had failed because it was late
   */
  run<T>(
    operation: string,
    work: (client: Client) => Promise<T>,
    { deadlineMs, breaker }: Patience = { deadlineMs: DEADLINE_MS, breaker: this.breaker },
    onLate: (answer: T) => void = () => undefined,
  ): Promise<T> {
    return breaker.run(
      () => this.attempt(operation, work, deadlineMs, onLate),
      (error) => error instanceof Unavailable,
    );
  }

  /** Asks for a sign of life. One that takes no writes (no memory, a full disk, a replica) answers a PING, and is of no use. @throws Unavailable `redis` */
  async probe(): Promise<void> {
    await this.run('ping', (client) => client.set(this.key('probe'), '', 'PX', PROBE_KEPT_MS));
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

  /** Ends the process, which cannot work with this Redis. */
  protected end(): void {
    process.exit(1);
  }

  private warnOfTrouble(): void {
    let isConnected = false;
    this.client.on('connect', () => (isConnected = true));
    this.client.on('close', () => (isConnected = false));
    const isTls = this.client.options.tls !== undefined;
    this.client.on('error', (error: unknown) => this.trouble.has(error, hintAbout(error, isConnected || isTls)));
  }

  /** A process that has not worked yet ends where it never could. One that has does not: whoever changes Redis under it may change it back. */
  private async inspect(): Promise<void> {
    try {
      const inspected = await atMost(DEADLINE_MS, inspectRedis(this.client));
      for (const warning of inspected.isLate ? [] : inspected.value) this.warnOnce(warning);
    } catch (error) {
      if (error instanceof RedisUnfit && this.wasUp) return this.trouble.has(error);
      if (error instanceof RedisUnfit) {
        this.log.error(error.message);
        return this.end();
      }
      if (this.client.status !== 'ready') return; // it is asked again when it is back
    }
    this.trouble.isOver();
    this.wasUp = true;
    this.log.info('connected to Redis');
  }

  private warnOnce(sentence: string): void {
    if (this.warned.has(sentence)) return;
    this.warned.add(sentence);
    this.log.warn(sentence);
  }

  /** BullMQ waits without a limit for a connection that is not ready, and a command for an answer. */
  private async attempt<T>(
    operation: string,
    work: (client: Client) => Promise<T>,
    deadlineMs: number,
    onLate: (answer: T) => void,
  ): Promise<T> {
    if (this.client.status !== 'ready') throw new Unavailable('redis', { cause: new Error('not connected') });
    storeCalled('redis', operation);
    try {
      const answer = work(this.client);
      const result = await atMost(deadlineMs, answer);
      if (!result.isLate) {
        this.breaker.close();
        return result.value;
      }
      answer.then(onLate, () => undefined);
    } catch (error) {
      if (!isOutage(error)) throw error;
      this.refusals.note(error);
      throw new Unavailable('redis', { cause: error });
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
