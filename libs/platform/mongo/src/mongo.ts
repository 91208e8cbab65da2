import { Injectable } from '@nestjs/common';
import { InjectConnection } from '@nestjs/mongoose';
import { atMost, Breaker, storeCalled, Unavailable } from '@edgechat/kernel';
import { mongo, type Connection } from 'mongoose';

/** Longest that one call may take, the wait for a connection included, when the server answers nobody meanwhile. */
export const DEADLINE_MS = 1_000;

/** Longest that one call may take while the server answers others: it is slow then, not away. */
export const SLOW_DEADLINE_MS = 4_000;

/** An answer of more bytes may be late because of what it is: that says nothing about the server. */
const LARGE_BYTES = 1_048_576;

/** What is known of a call before it is made. */
export interface MongoCall {
  /** Bytes that the answer will have, about; few unless told. */
  readonly expectedBytes?: number;
}

/**
 * The one way to MongoDB. A call fails when the server has answered nobody for 1 s, also when it hangs, and after 4 s in any case (1 s for a large answer); after an outage calls fail at once but for one a
 * second (see Breaker). Lateness is no outage while the server answers others, nor that of a large answer: else whoever asks for much would take MongoDB from all.
 * @throws Unavailable `mongo`; whether a write was carried out is then unknown, so every write must be repeatable.
 */
@Injectable()
export class Mongo {
  private readonly breaker = new Breaker();

  private wasUp = false;

  /** When the server last answered a call, by `performance.now()`. */
  private answeredAt = -Infinity;

  constructor(@InjectConnection() private readonly connection: Connection) {}

  /** True once the server was reached, and for ever after. */
  get hasStarted(): boolean {
    this.wasUp ||= this.connection.readyState === 1;
    return this.wasUp;
  }

  /** Runs one round trip, named for those who count them. */
  async run<T>(operation: string, work: () => Promise<T>, { expectedBytes = 0 }: MongoCall = {}): Promise<T> {
    const verdict = (error: unknown): boolean | null =>
      isLateness(error) && (expectedBytes > LARGE_BYTES || this.isAnswering) ? null : isOutage(error);
    try {
      return await this.breaker.run(() => this.inTime(operation, work, expectedBytes), verdict);
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

  private async inTime<T>(operation: string, work: () => Promise<T>, expectedBytes: number): Promise<T> {
    if (this.connection.readyState !== 1) throw new NotConnected('not connected');
    storeCalled('mongo', operation);
    const value = await this.answerOf(work(), expectedBytes > LARGE_BYTES ? DEADLINE_MS : SLOW_DEADLINE_MS);
    this.answeredAt = performance.now();
    return value;
  }

  private async answerOf<T>(work: Promise<T>, slowDeadlineMs: number): Promise<T> {
    const beganAt = performance.now();
    let result = await atMost(DEADLINE_MS, work);
    // Where this process itself was late, its timers come before the answers that wait in its sockets: those are read first.
    if (result.isLate) result = await atMost(1, work);
    while (result.isLate && this.isAnswering) {
      const until = Math.min(this.answeredAt + DEADLINE_MS, beganAt + slowDeadlineMs);
      const leftMs = Math.ceil(until - performance.now());
      if (leftMs <= 0) break;
      result = await atMost(leftMs, work);
    }
    if (result.isLate) throw new NotInTime(`no answer within ${Math.round(performance.now() - beganAt)} ms`);
    return result.value;
  }

  /** Whether the server has answered anybody within the deadline of a call. */
  private get isAnswering(): boolean {
    return performance.now() - this.answeredAt < DEADLINE_MS;
  }
}

class NotConnected extends Error {}
class NotInTime extends Error {}

/** By whichever clock: ours, the server's, or that of the wait for a connection. */
const isLateness = (error: unknown): boolean =>
  error instanceof NotInTime ||
  (error instanceof Error && error.name === 'MongoWaitQueueTimeoutError') ||
  (error instanceof mongo.MongoServerError && OUT_OF_TIME.has(Number(error.code)));

/**
 * What passes by itself: networks, elections, shutdowns, timeouts. A duplicate key, a bad document or a wrong use of the driver is a bug.
 * @see https://github.com/mongodb/specifications/blob/master/source/retryable-reads/retryable-reads.md
 */
function isOutage(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && SOCKET_ENDED.has(String(error.code))) return true;
  if (
    error instanceof NotConnected ||
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

/** MaxTimeMSExpired, ExceededTimeLimit. */
const OUT_OF_TIME = new Set([50, 262]);

/**
 * InternalError, UnknownError, FileStreamFailed, OutOfDiskSpace: a server that cannot work, such as one whose disk is full; no call makes these by being wrong.
 * HostUnreachable, HostNotFound, MaxTimeMSExpired, WriteConcernFailed, NetworkTimeout, ShutdownInProgress, PrimarySteppedDown, ReadConcernMajorityNotAvailableYet, StaleConfig, ExceededTimeLimit,
 * SocketException, NotWritablePrimary, InterruptedAtShutdown, Interrupted, InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary.
 */
const PASSING = new Set([
  1, 8, 39, 14031, 6, 7, 50, 64, 89, 91, 189, 134, 13388, 262, 9001, 10107, 11600, 11601, 11602, 13435, 13436,
]);
