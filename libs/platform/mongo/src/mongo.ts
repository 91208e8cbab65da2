import { Injectable } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import { Breaker, pause, storeCalled, Unavailable } from '@edgechat/kernel';
import { mongo, type Connection } from 'mongoose';

/** Longest that one call may take, the wait for a connection included. */
export const DEADLINE_MS = 1_000;

/**
 * The one way to MongoDB. A call gets an answer within 1 s or fails, also when the server hangs; after an outage calls fail at once but for one a second (see Breaker).
 * @throws Unavailable `mongo`; whether a write was carried out is then unknown, so every write must be repeatable.
 */
@Injectable()
export class Mongo {
  private readonly breaker = new Breaker();

  private wasUp = false;

  constructor(@InjectConnection() private readonly connection: Connection) {}

  /** True once the server was reached, and for ever after. */
  get hasStarted(): boolean {
    this.wasUp ||= this.connection.readyState === 1;
    return this.wasUp;
  }

  /** Runs one round trip, named for those who count them. */
  async run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await this.breaker.run(() => this.inTime(operation, work), isOutage);
    } catch (error) {
      if (isOutage(error)) throw new Unavailable('mongo', { cause: error });
      throw error;
    }
  }

  /** Asks for a sign of life. */
  async ping(): Promise<void> {
    await this.run('ping', async () => {
      await this.connection.db?.command({ ping: 1 });
    });
  }

  private async inTime<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.connection.readyState !== 1) throw new NotInTime('not connected');
    storeCalled('mongo', operation);
    const over = new AbortController();
    const late = pause(DEADLINE_MS, over.signal).then(() => {
      throw new NotInTime(`no answer within ${DEADLINE_MS} ms`);
    });
    return Promise.race([work(), late]).finally(() => over.abort());
  }
}

class NotInTime extends Error {}

/** Network failures, elections, missing primaries and timeouts of the server are outages; a duplicate key or a bad document is a bug. */
function isOutage(error: unknown): boolean {
  if (error instanceof NotInTime) return true;
  if (error instanceof mongo.MongoServerError) return error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('TransientTransactionError') || TIMED_OUT.has(Number(error.code));
  return error instanceof mongo.MongoError;
}

/** MaxTimeMSExpired, WriteConcernFailed (wtimeout), InterruptedAtShutdown, Interrupted, NotWritablePrimary, NotPrimaryNoSecondaryOk. */
const TIMED_OUT = new Set([50, 64, 11600, 11601, 10107, 13435]);
