import { Unavailable } from '@edgechat/kernel';
import type { Send, SentMessage } from '../domain/message.js';

const BATCH_MAX_SENDS = 128;
const BATCH_MAX_BYTES = 2 * 1024 * 1024;
const WAITING_MAX_BYTES = 16 * 1024 * 1024;
/** Transactions under way at once: a batch that waits for a lock does not hold up the sends of other conversations. */
const BATCHES_MAX = 3;

/** A send that waits for its batch. */
export interface Waiting {
  readonly send: Send;
  readonly bytes: number;
  readonly resolve: (sent: SentMessage) => void;
  readonly reject: (error: unknown) => void;
  /** True for a send that was refused in doubt, and is judged for the last time. */
  readonly isAgain: boolean;
}

/** Gathers the sends that come while others are being written, so that they share a transaction. A send that comes alone does not wait. */
export class SendQueue {
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private running = 0;
  /** Conversations of the batches that are being written. */
  private readonly busy = new Set<string>();

  constructor(
    private readonly maxWaiting: number,
    /** Writes a batch and settles each of its sends; never rejects. `isWritten` frees the place for the next batch once the transaction is over. */
    private readonly write: (batch: readonly Waiting[], isWritten: () => void) => Promise<void>,
  ) {}

  /** @throws Unavailable `sending` when too many sends, or bytes of them, wait already: nothing was written. */
  add(send: Send): Promise<SentMessage> {
    const bytes = Buffer.byteLength(send.content);
    if (this.waiting.length >= this.maxWaiting || this.waitingBytes + bytes > WAITING_MAX_BYTES)
      return Promise.reject(
        new Unavailable('sending', { detail: 'Too many messages are being sent right now. Repeat the send shortly.' }),
      );
    return new Promise((resolve, reject) => this.push({ send, bytes, resolve, reject, isAgain: false }));
  }

  /** Has a send judged once more that was in a batch already, and wrote nothing. It was waited for all along: there is room for it. */
  addAgain(one: Waiting): void {
    this.push({ ...one, isAgain: true });
  }

  private push(one: Waiting): void {
    this.waiting.push(one);
    this.waitingBytes += one.bytes;
    // After the sends of this turn of the event loop: requests that were read together are written together.
    setImmediate(() => this.next());
  }

  private next(): void {
    if (this.running >= BATCHES_MAX) return;
    const batch = this.take();
    if (batch.length === 0) return;

    this.running += 1;
    const conversations = batch.map(({ send }) => send.conversationId);
    conversations.forEach((id) => this.busy.add(id));
    let isOver = false;
    const isWritten = (): void => {
      if (isOver) return;
      isOver = true;
      this.running -= 1;
      conversations.forEach((id) => this.busy.delete(id));
      this.next();
    };
    void this.write(batch, isWritten).finally(isWritten);
    this.next();
  }

  /** The oldest that may go: a conversation is in one batch at a time, so that batches do not wait for each other's locks. */
  private take(): Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const passedOver = new Set<string>(this.busy);
    let bytes = 0;
    for (const one of this.waiting) {
      const isFull = batch.length === BATCH_MAX_SENDS || (batch.length > 0 && bytes + one.bytes > BATCH_MAX_BYTES);
      // A later send must not overtake an earlier one of the same conversation.
      if (isFull || passedOver.has(one.send.conversationId)) {
        passedOver.add(one.send.conversationId);
        left.push(one);
        continue;
      }
      batch.push(one);
      bytes += one.bytes;
    }
    this.waiting = left;
    this.waitingBytes -= bytes;
    return batch;
  }
}
