import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { Unavailable } from '@edgechat/kernel';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerKey } from './client-address.js';
import { PACE, Transfers, type Pace, type Transfer, type TransferParts } from './transfers.js';

/** Answers up to this are not counted: what one connection has of them is bounded (`boundPipelining`), and so is the time for which they wait. */
const UNCOUNTED_MAX_BYTES = 16_384;
/** Answers up to this are always given, and written at once. */
const SMALL_MAX_BYTES = 65_536;
/** A larger answer is written in such pieces: so it is known what of it the client took. */
const PIECE_BYTES = 16_384;
/** An answer has the text, names and ids around it, and what JSON escapes. Rather too much: else who comes would count as less than who was there before with the same, and take their room. */
const ANSWER_PER_TEXT = 5 / 4;

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Takes the room that an answer with so many bytes of text will need, about, before the work for it is done: so nothing is read that could not be sent.
     * @throws Unavailable `sending` when there is no room for it
     */
    takeRoom(bytes: number): void;
  }
}

export interface AnswerLimits {
  /** What all answers together may hold. */
  readonly maxBytes: number;
  /** What those of one account may hold, or of one address; one is given whatever its size. */
  readonly maxBytesPerCaller: number;
  readonly pace?: Pace;
}

/**
 * An answer stays in memory until the client has taken it. All of them together are bounded, and who does not keep the pace is disconnected. What is counted is what is
 * held: an answer of more than 16 KiB becomes bytes before it is counted.
 */
export function boundUnreadAnswers(fastify: FastifyInstance, limits: AnswerLimits): Transfers {
  const answers = new UnreadAnswers(limits);
  fastify.decorateReply('takeRoom', function (bytes) {
    if (bytes > SMALL_MAX_BYTES && !answers.takeRoom(this.request, this, bytes * ANSWER_PER_TEXT)) throw noRoom();
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    answers.end(reply.raw);
    if (request.method === 'HEAD' || payload === null || payload === undefined) return done();
    if (payload instanceof Readable) answers.watchStream(request, reply);
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return done();
    // (A string of more characters has more bytes too: it need not be measured.)
    if (payload.length <= UNCOUNTED_MAX_BYTES && Buffer.byteLength(payload) <= UNCOUNTED_MAX_BYTES) {
      answers.watchUncounted(reply.raw);
      return done();
    }
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if (bytes.length <= SMALL_MAX_BYTES) {
      answers.holdSmall(request, reply, bytes.length);
      return done(null, bytes);
    }
    const pieces = answers.hold(request, reply, bytes);
    if (pieces === null) return done(noRoom());
    reply.header('content-length', bytes.length);
    done(null, pieces);
  });
  fastify.addHook('onResponse', (_request, reply, done) => {
    answers.end(reply.raw);
    done();
  });
  fastify.addHook('onClose', (_instance, done) => {
    answers.close();
    done();
  });
  return answers.transfers;
}

class UnreadAnswers {
  readonly transfers: Transfers;
  /** What is counted of each answer that was not taken yet; of those that are not counted, the check before which they began. */
  private readonly unread = new Map<ServerResponse, Transfer | number>();
  private readonly pace: Pace;
  private readonly timer: NodeJS.Timeout;
  private checks = 0;

  constructor({ maxBytes, maxBytesPerCaller, pace = PACE }: AnswerLimits) {
    this.pace = pace;
    this.transfers = new Transfers({ maxBytes, maxBytesPerHolder: maxBytesPerCaller, pace });
    this.timer = setInterval(() => this.cutUncounted(), pace.checkEveryMs);
    this.timer.unref();
  }

  /** No timer and no clock for one of these: nearly all answers are. */
  watchUncounted(answer: ServerResponse): void {
    this.unread.set(answer, this.checks);
  }

  holdSmall(request: FastifyRequest, reply: FastifyReply, bytes: number): void {
    const transfer = this.begin(request, reply, { windowMs: this.timeFor(bytes), unseenBytes: bytes });
    this.transfers.holdSmall(transfer, bytes);
  }

  /** Holds what an answer will have; it is no transfer yet, and has no pace. */
  takeRoom(request: FastifyRequest, reply: FastifyReply, bytes: number): boolean {
    this.end(reply.raw);
    const transfer = this.begin(request, reply, { isQueued: () => true });
    if (this.transfers.hold(transfer, bytes)) return true;
    this.end(reply.raw);
    return false;
  }

  /** The answer as a stream of pieces, or null when there is no room for it. */
  hold(request: FastifyRequest, reply: FastifyReply, bytes: Buffer): Readable | null {
    const transfer = this.begin(request, reply, { unseenBytes: PIECE_BYTES });
    if (this.transfers.hold(transfer, bytes.length))
      return new Pieces(
        bytes,
        (moved) => void (transfer.movedBytes += moved),
        () => this.end(reply.raw),
      );
    this.end(reply.raw);
    return null;
  }

  /** A stream holds a piece at a time, so that only its pace matters. */
  watchStream(request: FastifyRequest, reply: FastifyReply): void {
    const unseenBytes = reply.raw.writableHighWaterMark + SMALL_MAX_BYTES;
    this.begin(request, reply, {
      windowMs: this.timeFor(unseenBytes),
      unseenBytes,
      movedBytes: () => request.raw.socket.bytesWritten,
    });
  }

  end(answer: ServerResponse): void {
    const known = this.unread.get(answer);
    if (known === undefined) return;
    this.unread.delete(answer);
    if (typeof known !== 'number') this.transfers.end(known);
  }

  close(): void {
    clearInterval(this.timer);
    this.transfers.close();
  }

  private begin(request: FastifyRequest, { raw: answer }: FastifyReply, more: Partial<TransferParts>): Transfer {
    const { socket } = request.raw;
    const transfer = this.transfers.begin(callerKey(request), {
      cut: () => {
        this.unread.delete(answer);
        socket.destroy();
      },
      isGone: () => socket.destroyed,
      isQueued: () => answer.socket === null,
      ...more,
    });
    this.unread.set(answer, transfer);
    return transfer;
  }

  private timeFor(bytes: number): number {
    return Math.max(this.pace.windowMs, (bytes / this.pace.bytesPerS) * 1_000);
  }

  private cutUncounted(): void {
    this.checks += 1;
    const most = Math.ceil(this.pace.windowMs / this.pace.checkEveryMs);
    for (const [answer, known] of this.unread) {
      const { socket } = answer.req;
      if (socket.destroyed) this.end(answer);
      else if (typeof known !== 'number') continue;
      // (An answer behind another one on its connection waits for that one.)
      else if (answer.socket === null) this.unread.set(answer, this.checks);
      else if (this.checks - known > most) {
        this.unread.delete(answer);
        socket.destroy();
      }
    }
  }
}

const NOTHING = Buffer.alloc(0);

/** Gives a buffer piece by piece, as the connection takes them, and lets go of it with the last one. */
class Pieces extends Readable {
  private at = 0;
  private isOver = false;

  constructor(
    private bytes: Buffer,
    private readonly moved: (bytes: number) => void,
    private readonly ended: () => void,
  ) {
    super({ highWaterMark: PIECE_BYTES });
  }

  override _read(): void {
    const piece = this.bytes.subarray(this.at, this.at + PIECE_BYTES);
    this.at += piece.length;
    this.moved(piece.length);
    this.push(piece);
    if (this.at < this.bytes.length) return;
    this.isOver = true;
    this.bytes = NOTHING;
    this.push(null);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.isOver) this.ended();
    this.bytes = NOTHING;
    done(error);
  }
}

const noRoom = (): Unavailable =>
  new Unavailable('sending', { detail: 'Too many large answers wait to be read. Try again shortly.' });
