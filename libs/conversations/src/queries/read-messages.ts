import { Injectable } from '@nestjs/common';
import { pause, Refusal, Unavailable, type AccountId, type ConversationId, type Page } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres } from '@edgechat/platform/postgres';
import type { Message } from '../domain/message.js';
import { MessageDocuments, type StoredText } from '../persistence/message-documents.js';
import {
  bytesOf,
  countWithin,
  LATER_ANSWERS,
  LEDGER_PLACES,
  LEDGER_RANGE,
  LEDGER_RANGE_WITHIN,
  matched,
  toMessage,
  type LedgerRow,
  type PlaceRow,
  type RangeRow,
} from './ledger-rows.js';

/** A page by `before` or `after` ends at about so many bytes of text: its reader goes on by `hasMore`. */
const PAGE_MAX_BYTES = 1_048_576;

/** Which messages: from the `from`th on (0 = the first), the newest below a seq, or the oldest above one. Beyond the end means the end. */
export interface MessageRange {
  readonly direction: 'skip' | 'before' | 'after';
  readonly from: number;
  /** 1–100 */
  readonly limit: number;
}

/** Where a message is. */
export interface MessagePlace {
  readonly conversationId: ConversationId;
  readonly seq: number;
}

const REREAD_AFTER_MS = 50;

/** A range as it is read: `maxBytes` null reads all of it. */
interface BoundedRange extends MessageRange {
  readonly maxBytes: number | null;
  readonly onSize?: ((bytes: number) => void) | undefined;
}

interface Ledger {
  readonly rows: readonly RangeRow[];
  readonly messages: readonly Message[];
  /** Seqs whose text is in neither store. */
  readonly lost: readonly number[];
}

interface FoundPlaces {
  readonly messages: readonly Message[];
  /** How many of the places this is all of, from the first on. */
  readonly covered: number;
  readonly lost: readonly MessagePlace[];
}

const isPlaced = (row: RangeRow): row is RangeRow & { readonly seq: number } => row.seq !== null;

/**
 * Reads a range of messages: PostgreSQL first (membership, the order, the bytes, what MongoDB may not have yet), then MongoDB for the rest. At most one round trip to each, however long the
 * conversation is. The ledger wins: a document that it does not know is passed over, and a page never has a hole.
 */
@Injectable()
export class ReadMessages {
  constructor(
    private readonly postgres: Postgres,
    private readonly documents: MessageDocuments,
    private readonly log: Log,
  ) {}

  /**
   * A page as a member sees it, oldest first; `hasMore` is exact, in the direction asked for. By `before` and `after` it ends at about 1 MiB of text, with at least one message: those nearest
   * to where it begins. By `skip` it is never shorter than asked for.
   * @param onSize is told how many bytes of text the page has, before they are read; what it throws ends the reading
   * @throws Refusal `conversation_not_found`
   * @throws Unavailable `postgres`, `mongo`; also, rather than show a hole, when a text is in neither store
   */
  async page(
    conversationId: ConversationId,
    reader: AccountId,
    range: MessageRange,
    onSize?: (bytes: number) => void,
  ): Promise<Page<Message>> {
    const maxBytes = range.direction === 'skip' ? null : PAGE_MAX_BYTES;
    const { rows, messages, lost } = await this.read(conversationId, reader, { ...range, maxBytes, onSize });
    const [first] = rows;
    if (!first) throw new Refusal('conversation_not_found', 'Conversation not found');
    if (lost.length > 0)
      throw new Unavailable('mongo', {
        detail: 'A part of this conversation cannot be read right now. Try again shortly.',
      });
    return {
      items: messages,
      hasMore:
        range.direction === 'before'
          ? (messages[0]?.seq ?? first.lowest) > 1
          : (messages.at(-1)?.seq ?? first.highest) < first.last_seq,
    };
  }

  /** One message as a member sees it. @throws Refusal `conversation_not_found`, `message_not_found` @throws Unavailable `postgres`, `mongo` */
  async one(conversationId: ConversationId, reader: AccountId, seq: number): Promise<Message> {
    const {
      items: [message],
    } = await this.page(conversationId, reader, { direction: 'after', from: Math.max(0, seq - 1), limit: 1 });
    if (message?.seq !== seq)
      throw new Refusal('message_not_found', 'There is no message with this number in the conversation.');
    return message;
  }

  /**
   * The messages at these places, at most 100, in the order asked for; of the first of them as many as have at most `maxBytes` of text together (Infinity: all), at least one. Those that are not
   * there, or not the reader's to see at this moment, are left out; one whose text is lost too, and told in the log. `covered` says of how many places, from the first on, this is all: it counts
   * those that are left out, too. What is beyond is not read from MongoDB, where the ledger knows how many bytes a text has. One round trip to each store.
   * @throws Unavailable `postgres`, `mongo`
   */
  async placesWithin(
    reader: AccountId,
    places: readonly MessagePlace[],
    maxBytes: number,
  ): Promise<{ readonly messages: readonly Message[]; readonly covered: number }> {
    const { messages, covered } = await this.readPlaces(reader, places, maxBytes);
    return { messages, covered };
  }

  /**
   * The newest messages up to and with `highestSeq`, oldest first, at most `limit`, with at most `maxBytes` of text together, but at least one; none when the conversation is gone. For work inside: one whose text is lost is left out, and told in the log.
   * @throws Unavailable `postgres`, `mongo`
   */
  async upTo(
    conversationId: ConversationId,
    highestSeq: number,
    limit: number,
    maxBytes: number | null = null,
  ): Promise<readonly Message[]> {
    const range = { direction: 'before', from: highestSeq + 1, limit, maxBytes } as const;
    return (await this.read(conversationId, null, range)).messages;
  }

  /** Answers to earlier questions that got their numbers after this question, oldest first, at most 20. @throws Unavailable `postgres`, `mongo` */
  async answersAfter(conversationId: ConversationId, questionSeq: number): Promise<readonly Message[]> {
    const rows = await this.postgres.query<{ seq: number }>(LATER_ANSWERS, [conversationId, questionSeq]);
    const places = rows.map(({ seq }) => ({ conversationId, seq })).reverse();
    return (await this.readPlaces(null, places, null)).messages;
  }

  private read(conversationId: ConversationId, reader: AccountId | null, range: BoundedRange): Promise<Ledger> {
    return this.withSecondLook(
      () => this.readOnce(conversationId, reader, range),
      (seqs) => ({ conversationId, seqs }),
    );
  }

  private async readPlaces(
    reader: AccountId | null,
    places: readonly MessagePlace[],
    maxBytes: number | null,
  ): Promise<FoundPlaces> {
    if (places.length === 0) return { messages: [], covered: 0, lost: [] };
    return this.withSecondLook(
      () => this.placesOnce(reader, places, maxBytes),
      (lost) => ({ places: lost }),
    );
  }

  /** A text can move from the outbox to MongoDB between the two reads; what is in neither store at a second look is lost, and told with what `tell` makes of it. */
  private async withSecondLook<Look extends { readonly lost: readonly unknown[] }>(
    look: () => Promise<Look>,
    tell: (lost: Look['lost']) => object,
  ): Promise<Look> {
    const first = await look();
    if (first.lost.length === 0) return first;

    await pause(REREAD_AFTER_MS);
    const second = await look();
    if (second.lost.length > 0) this.log.error('texts of the ledger are in neither store', tell(second.lost));
    return second;
  }

  private async readOnce(
    conversationId: ConversationId,
    reader: AccountId | null,
    { direction, from, limit, maxBytes, onSize }: BoundedRange,
  ): Promise<Ledger> {
    const values = [conversationId, reader, direction, from, limit];
    const rows =
      maxBytes === null
        ? await this.postgres.query<RangeRow>(LEDGER_RANGE, values)
        : await this.postgres.query<RangeRow>(LEDGER_RANGE_WITHIN, [...values, maxBytes]);
    const placed = rows.filter(isPlaced);
    onSize?.(bytesOf(placed));
    const stored = await this.stored(conversationId, reader, placed);
    const { messages, lost } = matched(placed, stored, (row, content) =>
      toMessage(conversationId, reader, row, content),
    );
    const kept = maxBytes !== null && isCountUnknown(placed) ? nearest(messages, direction, maxBytes) : messages;
    return { rows, messages: kept, lost: lost.map(({ seq }) => seq) };
  }

  private async placesOnce(
    reader: AccountId | null,
    places: readonly MessagePlace[],
    maxBytes: number | null,
  ): Promise<FoundPlaces> {
    const rows = await this.postgres.query<PlaceRow>(LEDGER_PLACES, [
      reader,
      places.map(({ conversationId }) => conversationId),
      places.map(({ seq }) => seq),
      maxBytes === Number.POSITIVE_INFINITY ? null : maxBytes,
    ]);
    const wanted = rows.filter((row) => row.outbox_content === null);
    // (Those that are read for work inside are of one conversation.)
    const read = { reader: reader ?? places[0]?.conversationId ?? '', bytes: bytesOf(wanted) };
    const stored = wanted.length > 0 ? await this.documents.listPlaces(wanted, read) : [];
    const { messages, lost } = matched(rows, stored, (row, content) =>
      toMessage(row.conversation_id, reader, row, content),
    );
    return {
      ...coveredBy(rows, messages, places, maxBytes),
      lost: lost.map((row) => ({ conversationId: row.conversation_id, seq: row.seq })),
    };
  }

  /** The texts that MongoDB has of these rows; it is not asked for what the outbox has: fresh messages can be read while it is away. */
  private async stored(
    conversationId: ConversationId,
    reader: AccountId | null,
    rows: readonly LedgerRow[],
  ): Promise<readonly StoredText[]> {
    const wanted = rows.filter((row) => row.outbox_content === null).map(({ seq }) => seq);
    const [lowest, highest] = [wanted[0], wanted.at(-1)];
    if (lowest === undefined || highest === undefined) return [];
    // (What the outbox has, between two that it has not, is read with them.)
    const between = rows.filter(({ seq }) => seq >= lowest && seq <= highest);
    const read = { reader: reader ?? conversationId, bytes: bytesOf(between) };
    return this.documents.listRange(conversationId, lowest, highest, read);
  }
}

const isCountUnknown = (rows: readonly LedgerRow[]): boolean => rows.some(({ bytes }) => bytes === null);

/** Those of a page's messages that are nearest to where it begins, as far as they may go. */
function nearest(
  messages: readonly Message[],
  direction: MessageRange['direction'],
  maxBytes: number,
): readonly Message[] {
  const texts = messages.map(({ content }) => content);
  return direction === 'before'
    ? messages.slice(messages.length - countWithin(texts.reverse(), maxBytes))
    : messages.slice(0, countWithin(texts, maxBytes));
}

/** What is covered of `places` by these rows, of which the ledger left out those beyond `maxBytes`, as far as it knew. */
function coveredBy(
  rows: readonly PlaceRow[],
  messages: readonly Message[],
  places: readonly MessagePlace[],
  maxBytes: number | null,
): Pick<FoundPlaces, 'messages' | 'covered'> {
  const last = rows.at(-1);
  const covered = last && last.found > rows.length ? last.nth : places.length;
  if (maxBytes === null || !isCountUnknown(rows)) return { messages, covered };

  const count = countWithin(
    messages.map(({ content }) => content),
    maxBytes,
  );
  const beyond = messages[count];
  if (!beyond) return { messages, covered };
  const isBeyond = ({ conversation_id, seq }: PlaceRow): boolean =>
    conversation_id === beyond.conversationId && seq === beyond.seq;
  return { messages: messages.slice(0, count), covered: (rows.find(isBeyond)?.nth ?? 1) - 1 };
}
