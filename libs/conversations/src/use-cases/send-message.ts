import { Injectable } from '@nestjs/common';
import type { Happening } from '@edgechat/contracts';
import { atMost, reached, Refusal, Unavailable } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { Log, Outage } from '@edgechat/platform/logging';
import { Bell } from '@edgechat/platform/queue';
import type { Send, SentMessage } from '../domain/message.js';
import { MessageDocuments, type MessageDocument } from '../persistence/message-documents.js';
import type { SendRow } from '../persistence/send-batch.js';
import { GatheredWrites } from './gathered-writes.js';
import { SendQueue, type Waiting } from './send-queue.js';
import { rolledBackAs, SendLedger, type Written } from './send-ledger.js';
import { StoredTexts } from './stored-texts.js';

/** Storing the text and ringing the bell get this long together; what is not done by then is owed, and the worker does it. */
const DELIVER_WITHIN_MS = 500;
const PARTS_AT_ONCE = 4;

/**
 * Sends a message, of a person or of the assistant: the one door into a conversation.
 *
 * What must hold: a send is accepted when its row is in the ledger; from then on it is kept and what it causes is owed, whatever dies. Nothing is written elsewhere before that.
 * Who is not a member may not send, and gets no lock: refused as if the conversation did not exist, by the function `edgechat.send_messages`
 * (libs/database/src/migrations/failures/send-messages.ts), and so is who used up what an account may use in a day.
 */
@Injectable()
export class SendMessage {
  private readonly queue: SendQueue;
  private readonly texts: GatheredWrites;
  private readonly storing: Outage;
  private readonly ringing: Outage;

  constructor(
    private readonly ledger: SendLedger,
    documents: MessageDocuments,
    private readonly stored: StoredTexts,
    private readonly bell: Bell,
    log: Log,
    config: Config,
  ) {
    this.texts = new GatheredWrites((texts) => documents.put(texts));
    this.storing = new Outage(log, {
      begins: 'texts stay owed to MongoDB: the worker will store them',
      isOver: 'MongoDB takes texts again',
    });
    this.ringing = new Outage(log, {
      begins: 'the bell cannot be rung: the relay will',
      isOver: 'the bell is rung again',
    });
    this.queue = new SendQueue(config.sendQueueLimit, (batch, isWritten) => this.writeBatch(batch, isWritten));
  }

  /**
   * Sends once per client key, however often it is called; costs one round trip to each store, shared by the sends of a batch.
   * @throws Refusal `conversation_not_found`, `idempotency_key_reused`, `storage_exhausted`, `budget_exhausted` (nothing was kept); for an answer whose reply is no longer the caller's to end, StaleReply
   * @throws Unavailable `postgres` (the fate of the send is unknown: repeat it with its key), `sending` (nothing was written)
   */
  send(send: Send): Promise<SentMessage> {
    return this.queue.add(send);
  }

  /** Writes a batch and settles each send of it; never rejects. */
  private async writeBatch(batch: readonly Waiting[], isWritten: () => void): Promise<void> {
    let written: Written;
    try {
      written = await this.ledger.write(batch, this.stored.take());
    } catch (error) {
      const parts = partsOf(batch, error);
      if (parts.length <= 1) return batch.forEach(({ reject }) => reject(error));
      await this.writeParts(parts);
      return;
    }
    reached('send.committed');
    isWritten();
    const { rows, isDoubtful } = written;
    await this.deliver(batch, rows);
    batch.forEach((one, n) => (!one.isAgain && isDoubtful(n) ? this.sendAgain(one) : settle(one, rows[n])));
  }

  /** Once is enough: what is doubtful again is one of many sends beyond the limit. */
  private sendAgain(one: Waiting): void {
    void this.ledger.settled().then(() => this.queue.addAgain(one));
  }

  /** What failed together is tried again in parts, a few at once, so that only what is at fault fails. */
  private async writeParts(parts: readonly (readonly Waiting[])[]): Promise<void> {
    const left = [...parts];
    const lane = async (): Promise<void> => {
      for (let part = left.shift(); part; part = left.shift()) await this.writeBatch(part, () => undefined);
    };
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, lane));
  }

  private async deliver(batch: readonly Waiting[], rows: readonly SendRow[]): Promise<void> {
    const documents = batch.flatMap(({ send }, n) => documentOf(send, rows[n]));
    const happenings = batch.flatMap((one, n) => happeningsOf(one, rows[n]));
    if (happenings.length === 0) return;

    await atMost(DELIVER_WITHIN_MS, this.storeAndRing(documents, happenings));
  }

  private async storeAndRing(documents: readonly MessageDocument[], happenings: readonly Happening[]): Promise<void> {
    if (documents.length > 0) await this.storing.watch(this.store(documents));
    reached('send.stored');
    await this.ringing.watch(this.bell.ring(happenings));
    reached('send.rung');
  }

  private async store(documents: readonly MessageDocument[]): Promise<void> {
    await this.texts.write(documents);
    this.stored.add(documents.map(({ conversation_id, seq }) => ({ conversation_id, seq })));
  }
}

/** The reply that an answer belongs to was ended, or given to another run, meanwhile. */
export class StaleReply extends Error {}

/** How to try a failed batch again: not at all when its fate is unknown; by conversation when a lock was waited for in vain, since one lock holds up one conversation; else each send alone. */
function partsOf(batch: readonly Waiting[], error: unknown): (readonly Waiting[])[] {
  if (error instanceof Unavailable && rolledBackAs(error) === null) return [];
  if (!(error instanceof Unavailable)) return batch.map((one) => [one]);
  const parts = new Map<string, Waiting[]>();
  for (const one of batch) parts.set(one.send.conversationId, [...(parts.get(one.send.conversationId) ?? []), one]);
  return [...parts.values()];
}

function documentOf(send: Send, row: SendRow | undefined): MessageDocument[] {
  if (row?.outcome !== 'sent') return [];
  return [
    {
      conversation_id: send.conversationId,
      seq: row.seq,
      message_id: row.message_id,
      author: send.by === 'person' ? send.authorId : 0,
      content: send.content,
      created_at: row.created_at,
    },
  ];
}

/** A replay rings for its answer too: it may have been put back into the queue, and a ring too many does no harm. */
function happeningsOf({ send }: Waiting, row: SendRow | undefined): Happening[] {
  if (row?.outcome !== 'sent' && row?.outcome !== 'replayed') return [];
  const payload = { conversationId: send.conversationId };
  const { requestId = null } = send;
  const happenings: Happening[] = [];
  if (row.outcome === 'sent') happenings.push({ event: 'message.sent', payload, requestId });
  if (row.fans_out) happenings.push({ event: 'inboxes.owed', payload, requestId });
  if (row.reply_status === 'queued') happenings.push({ event: 'answer.asked', payload, requestId });
  return happenings;
}

function settle({ resolve, reject }: Waiting, row: SendRow | undefined): void {
  switch (row?.outcome) {
    case 'sent':
    case 'replayed':
      return resolve(toSent(row));
    case 'not_found':
      return reject(new Refusal('conversation_not_found', 'Conversation not found'));
    case 'key_reused':
      return reject(
        new Refusal(
          'idempotency_key_reused',
          'This client key was used for another message in this conversation. Use a new key for a new message.',
        ),
      );
    case 'storage_exhausted':
      return reject(
        new Refusal(
          row.outcome,
          'This account has sent as much text today as it may. The message was not kept. Send it again tomorrow (UTC).',
          { retryAfterS: row.retry_after_s ?? 1 },
        ),
      );
    case 'budget_exhausted':
      return reject(
        new Refusal(
          row.outcome,
          'This account has used up its AI tokens. The message was not kept. Send it again later, as Retry-After says.',
          { retryAfterS: row.retry_after_s ?? 1 },
        ),
      );
    default:
      return reject(new StaleReply("the reply is no longer this run's to end"));
  }
}

function toSent(row: SendRow): SentMessage {
  return {
    id: row.message_id,
    seq: row.seq,
    createdAt: row.created_at,
    authorName: row.author_name,
    isReplay: row.outcome === 'replayed',
    reply: replyOf(row),
    waitsForAnswer: row.waits,
  };
}

function replyOf(row: SendRow): SentMessage['reply'] {
  if (row.reply_id === null || row.reply_status === null || row.left_ms === null) return null;
  return { id: row.reply_id, status: row.reply_status, leftMs: row.left_ms };
}
