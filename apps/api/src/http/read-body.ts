import type { Readable } from 'node:stream';
import { Refusal, Unavailable } from '@edgechat/kernel';
import { KIB_512 } from './body-limit.js';

/** How much of a body that is not wanted is still read, holding nothing of it: a client that reads the answer only after it has sent everything gets it. */
export const DISCARD_MAX_BYTES = 8 * KIB_512;

/** The first room of a body; it doubles as the body grows. */
const ROOM_MIN_BYTES = 4_096;

export interface BodyBounds {
  /** What the header announced; 0 when it announced nothing. */
  readonly announcedBytes: number;
  readonly maxBytes: number;
}

/** What is told of a body while it comes. */
export interface BodyWatch {
  /** So many bytes have come. */
  readonly moved: (bytes: number) => void;
  /** So many more bytes are about to be held. False: there is no room for them. */
  readonly hold: (bytes: number) => boolean;
  /** Nothing is held any more: what comes is discarded. */
  readonly release: () => void;
}

type Done = (refusal: Refusal | Unavailable | null, body: Buffer) => void;

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Reads a whole body into one buffer that grows with it: many small chunks cost no more than a large one. Calls `done` once; its error is `body_too_large`,
 * `service_unavailable` when there is no room, or `malformed_request` when the client goes away in the middle.
 */
export class BodyReader {
  private room: Buffer = NOTHING;
  /** What is counted as held: the size of the room, or that of the first one to come. */
  private heldBytes = 0;
  private bytes = 0;
  private refusal: Refusal | Unavailable | null = null;
  private isOver = false;

  constructor(
    private readonly stream: Readable,
    private readonly bounds: BodyBounds,
    private readonly watch: BodyWatch,
    private readonly done: Done,
  ) {}

  /** Begins to read. What cannot be taken at all is refused before anything is read. */
  start(): void {
    const { announcedBytes, maxBytes } = this.bounds;
    if (announcedBytes > DISCARD_MAX_BYTES) return this.end(tooLarge(maxBytes));
    if (announcedBytes > maxBytes) this.refusal = tooLarge(maxBytes);
    else if (!this.hold(Math.min(announcedBytes || ROOM_MIN_BYTES, ROOM_MIN_BYTES))) return this.end(noRoom());
    this.stream.on('data', (chunk: Buffer) => this.take(chunk));
    this.stream.on('end', () => this.end(this.refusal));
    // A stream of bytes fails, or closes before its end, only when the client hangs up or breaks its own framing.
    const hangUp = (): void => this.end(new Refusal('malformed_request', 'The body ended too early. Send it again.'));
    this.stream.on('error', hangUp);
    this.stream.on('close', hangUp);
  }

  /** Ends the reading with this refusal, unless it is over. */
  end(refusal: Refusal | Unavailable | null): void {
    if (this.isOver) return;
    this.isOver = true;
    const body = this.room.subarray(0, this.bytes);
    this.room = NOTHING;
    if (refusal !== null) this.stream.pause();
    this.done(refusal, refusal === null ? body : NOTHING);
  }

  private take(chunk: Buffer): void {
    if (this.isOver) return;
    const bytes = this.bytes + chunk.length;
    this.watch.moved(chunk.length);
    if (this.refusal === null && bytes > this.bounds.maxBytes) this.discard();
    if (this.refusal === null && bytes > this.room.length && !this.makeRoom(chunk)) return this.end(noRoom());
    if (this.refusal === null) {
      if (this.room !== chunk) chunk.copy(this.room, this.bytes);
    } else if (bytes > DISCARD_MAX_BYTES) return this.end(this.refusal);
    this.bytes = bytes;
  }

  private discard(): void {
    this.refusal = tooLarge(this.bounds.maxBytes);
    this.room = NOTHING;
    this.watch.release();
  }

  /** Makes room for a chunk and some to come, at most what may come. False when there is none. */
  private makeRoom(chunk: Buffer): boolean {
    const { announcedBytes, maxBytes } = this.bounds;
    const bytes = this.bytes + chunk.length;
    const isWhole = chunk.length === announcedBytes;
    const most = announcedBytes >= bytes ? announcedBytes : maxBytes;
    const size = Math.min(most, Math.max(bytes, 2 * this.room.length, ROOM_MIN_BYTES));
    if (!this.hold(size - this.heldBytes)) return false;
    const room = isWhole ? chunk : Buffer.allocUnsafeSlow(size);
    if (!isWhole) this.room.copy(room);
    this.room = room;
    return true;
  }

  private hold(bytes: number): boolean {
    if (bytes > 0 && !this.watch.hold(bytes)) return false;
    this.heldBytes += bytes;
    return true;
  }
}

const tooLarge = (maxBytes: number): Refusal =>
  new Refusal('body_too_large', `The body of this call may have at most ${maxBytes / 1_024} KiB. Send less.`);

/** What is answered when no room is left for bodies. */
export const noRoom = (): Unavailable =>
  new Unavailable('receiving', { detail: 'Too many bodies are being received. Send it again shortly.' });
