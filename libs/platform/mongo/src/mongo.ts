import { Injectable } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import { atMost, Breaker, storeCalled, Unavailable } from '@edgechat/kernel';
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
    const result = await atMost(DEADLINE_MS, work());
    if (result.isLate) throw new NotInTime(`no answer within ${DEADLINE_MS} ms`);
    return result.value;
  }
}

class NotInTime extends Error {}

/**
 * What passes by itself: networks, elections, shutdowns, timeouts. A duplicate key, a bad document or a wrong use of the driver is a bug.
 * @see https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
 */
function isOutage(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && SOCKET_ENDED.has(String(error.code))) return true;
  if (
    error instanceof NotInTime ||
    error instanceof mongo.MongoNetworkError ||
    error instanceof mongo.MongoServerSelectionError ||
    error instanceof mongo.MongoNotConnectedError
  )
    return true;
  if (error instanceof mongo.MongoServerError)
    return (
      error.hasErrorLabel('RetryableWriteError') ||
      error.hasErrorLabel('TransientTransactionError') ||
      PASSING.has(Number(error.code))
    );
  return error instanceof mongo.MongoDriverError && !(error instanceof mongo.MongoAPIError);
}

/** What the driver lets through as it came from the socket, when the server ends in the middle of a write. */
const SOCKET_ENDED = new Set(['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT']);

/**
 * HostUnreachable, HostNotFound, MaxTimeMSExpired, WriteConcernFailed, NetworkTimeout, ShutdownInProgress, PrimarySteppedDown, ReadConcernMajorityNotAvailableYet, StaleConfig, ExceededTimeLimit,
 * SocketException, NotWritablePrimary, InterruptedAtShutdown, Interrupted, InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary.
 */
const PASSING = new Set([6, 7, 50, 64, 89, 91, 189, 134, 13388, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436]);
