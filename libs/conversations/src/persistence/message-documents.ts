import { Injectable } from '@nestjs/common';
import { Slices } from '@edgechat/kernel';
import { InjectModel } from '@nestjs/mongoose';
import { Config } from '@edgechat/platform/config';
import { DEADLINE_MS, Mongo, SLOW_DEADLINE_MS } from '@edgechat/platform/mongo';
import { mongo, Schema, type Model } from 'mongoose';
import { TextReads, type Reader, type TextRead } from './text-reads.js';

/** A message in MongoDB: what the ledger does not keep is its content. The place (conversation_id, seq) is its identity. */
export interface MessageDocument {
  readonly conversation_id: string;
  readonly seq: number;
  /** The ledger's id; a document with another one at the same place is foreign and counts as not there. */
  readonly message_id: string;
  readonly author: number;
  readonly content: string;
  readonly created_at: Date;
}

/** Where a message is. The order of places is by conversation, then by seq. */
export interface Place {
  readonly conversation_id: string;
  readonly seq: number;
}

export const MESSAGES = 'messages';

/** Shard key: conversation_id, the prefix of the one index. */
export const messageSchema = new Schema<MessageDocument>(
  {
    conversation_id: { type: String, required: true },
    seq: { type: Number, required: true },
    message_id: { type: String, required: true },
    author: { type: Number, required: true },
    // `required` would refuse nothing here that the edge lets through, but Mongoose takes a blank string for missing.
    content: { type: String },
    created_at: { type: Date, required: true },
  },
  { collection: MESSAGES, versionKey: false, autoIndex: false, strict: 'throw', strictQuery: 'throw' },
).index({ conversation_id: 1, seq: 1 }, { unique: true, name: 'place' });

const DUPLICATE_KEY = 11_000;
const FIELDS = { _id: 0, conversation_id: 1, seq: 1, message_id: 1, content: 1 } as const;
export type StoredText = Pick<MessageDocument, 'conversation_id' | 'seq' | 'message_id' | 'content'>;

/** Most bytes of a character in UTF-8. */
const CHARACTER_BYTES = 4;
/** Half of the pool. */
export const SIDE_BY_SIDE = 10;

/** The messages' texts in MongoDB. */
@Injectable()
export class MessageDocuments {
  private readonly reads: TextReads;

  constructor(
    private readonly mongo: Mongo,
    @InjectModel(MESSAGES) private readonly model: Model<MessageDocument>,
    config: Config,
  ) {
    this.reads = new TextReads(mongo, config.readsMb);
  }

  /**
   * Puts documents at their places, replacing whatever is there, since PostgreSQL decides. Acknowledged by a majority and journaled. Safe to repeat.
   * Almost always the places are free: so they are inserted, in one round trip, and only what finds its place taken is replaced. (An upsert costs the server three times an insert.)
   * @throws Unavailable `mongo`
   */
  async put(documents: readonly MessageDocument[]): Promise<void> {
    const insert = (): Promise<unknown> =>
      this.model.collection.insertMany(
        documents.map((document) => ({ ...document })),
        { ordered: false },
      );
    const taken = await this.mongo.run('messages.put', () =>
      insert().then(
        () => [],
        (error: unknown) => takenPlaces(error, documents),
      ),
    );
    if (taken.length > 0) await this.replace(taken);
  }

  private async replace(documents: readonly MessageDocument[]): Promise<void> {
    const operations = documents.map((document) => ({
      replaceOne: {
        filter: { conversation_id: document.conversation_id, seq: document.seq },
        replacement: document,
        upsert: true,
      },
    }));
    const write = (): Promise<unknown> =>
      this.mongo.run('messages.replace', () => this.model.bulkWrite(operations, { ordered: false }));
    // Two that put the same place at once can both try to insert: the second then finds the first one's document and replaces it.
    await write().catch((error: unknown) => (isDuplicateKey(error) ? write() : Promise.reject(error)));
  }

  /** The texts of a range of one conversation, both ends included, in order. @throws Unavailable `mongo` */
  listRange(conversationId: string, lowest: number, highest: number, read: TextRead): Promise<StoredText[]> {
    const filter = { conversation_id: conversationId, seq: { $gte: lowest, $lte: highest } };
    const find = (late: AbortSignal): Promise<Found[]> =>
      this.model.collection
        .find<Found>(filter, { projection: FIELDS, sort: { seq: 1 }, ...optionsFor(read, late) })
        .toArray();
    return this.reads.run('messages.list_range', read, find, decoded);
  }

  /** Which of these messages a majority has, so that they survive the loss of a server. @throws Unavailable `mongo` */
  async listKept(conversationId: string, seqs: readonly number[]): Promise<Set<string>> {
    const find = () =>
      this.model
        .find({ conversation_id: conversationId, seq: { $in: [...seqs] } }, { _id: 0, message_id: 1 })
        .read('primary')
        .readConcern('majority')
        .maxTimeMS(1_000)
        .lean<{ message_id: string }[]>()
        .exec();
    return new Set((await this.mongo.run('messages.list_kept', find)).map((document) => document.message_id));
  }

  /**
   * The texts at at most 100 places. A query per conversation, ten side by side: not every server goes by the index for an `$or` of places.
   * @throws Unavailable `mongo`
   */
  listPlaces(places: readonly Place[], read: TextRead): Promise<StoredText[]> {
    return this.findPlaces(places, FIELDS, read);
  }

  /** Of the texts at at most 100 places the first `characters`, which is all that is sent. @throws Unavailable `mongo` */
  listBeginnings(places: readonly Place[], characters: number, reader: Reader): Promise<StoredText[]> {
    const fields = { ...FIELDS, content: { $substrCP: ['$content', 0, characters] } };
    const read = { reader, bytes: places.length * characters * CHARACTER_BYTES };
    return this.findPlaces(places, fields, read);
  }

  private findPlaces(places: readonly Place[], projection: object, read: TextRead): Promise<StoredText[]> {
    const seqs = new Map<string, number[]>();
    for (const { conversation_id, seq } of places)
      seqs.set(conversation_id, [...(seqs.get(conversation_id) ?? []), seq]);
    const find = async (late: AbortSignal): Promise<Found[]> => {
      const options = { projection, ...optionsFor(read, late) };
      const left = [...seqs];
      const found: Found[] = [];
      const lane = async (): Promise<void> => {
        for (let next = left.pop(); next; next = left.pop()) {
          const [conversation_id, $in] = next;
          const filter = { conversation_id, seq: $in.length === 1 ? $in[0] : { $in } };
          found.push(...(await this.model.collection.find<Found>(filter, options).toArray()));
        }
      };
      await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, left.length) }, lane));
      return found;
    };
    return this.reads.run('messages.list_places', read, find, decoded);
  }

  /** Removes at most 100 messages of a conversation and returns how many; call again until it returns 0. @throws Unavailable `mongo` */
  async removeSome(conversationId: string): Promise<number> {
    const some = await this.mongo.run('messages.list_some', () =>
      this.model
        .find({ conversation_id: conversationId }, { seq: 1, _id: 0 })
        .limit(100)
        .lean<{ seq: number }[]>()
        .exec(),
    );
    if (some.length === 0) return 0;
    await this.mongo.run('messages.remove', () =>
      this.model.deleteMany({ conversation_id: conversationId, seq: { $in: some.map(({ seq }) => seq) } }).exec(),
    );
    return some.length;
  }
}

/** A read of more than this comes as it is on the wire, and is decoded in slices. (All of it at once is the least work.) */
const AT_ONCE_MAX_BYTES = 131_072;
/** It ends with its connection when it is late. (Of a small one little is left, and a signal is work for each of its commands.) The server gives up when we do. */
const optionsFor = ({ bytes }: TextRead, signal: AbortSignal) =>
  bytes > AT_ONCE_MAX_BYTES ? { maxTimeMS: DEADLINE_MS, raw: true, signal } : { maxTimeMS: SLOW_DEADLINE_MS };

/** A text, or the BSON of one. */
type Found = StoredText | Buffer;
const isText = (document: object): document is StoredText => 'content' in document;

/** Decoding takes so much less for a character than the work for which slices count them. */
const STEP_SHARE = 16;

async function decoded(found: readonly Found[]): Promise<StoredText[]> {
  const slices = new Slices('read');
  const texts: StoredText[] = [];
  for (const one of found) {
    if (!Buffer.isBuffer(one)) {
      texts.push(one);
      continue;
    }
    const text = mongo.BSON.deserialize(one);
    if (!isText(text)) continue;
    texts.push(text);
    if (slices.take(text.content.length / STEP_SHARE)) await slices.next();
  }
  slices.end();
  return texts;
}

/** The documents of an insert whose places were taken. @throws the error, when it is about anything else */
function takenPlaces(error: unknown, documents: readonly MessageDocument[]): MessageDocument[] {
  if (!(error instanceof mongo.MongoBulkWriteError)) throw error;
  const errors = [error.writeErrors].flat();
  if (errors.length === 0 || errors.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
  return errors.flatMap(({ index }) => documents[index] ?? []);
}

const isDuplicateKey = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY;
