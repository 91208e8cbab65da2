import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import { Mongo } from '@edgechat/platform/mongo';
import type { Model } from 'mongoose';
import { MESSAGES, type MessageDocument } from './message-documents.js';

/** Where a document says that it is, and which message it says to be. Nothing is known of it: anybody may have written it. */
export interface PlacedDocument {
  readonly conversation_id: unknown;
  readonly seq: unknown;
  readonly message_id: unknown;
}

/** Places of one conversation: above `after`, up to and with `upTo`; null is no bound. At most `limit` documents are given. */
export interface Stretch {
  readonly conversation_id: string;
  readonly after: number | null;
  readonly upTo: number | null;
  readonly limit: number;
}

/** Half of the pool. */
const SIDE_BY_SIDE = 10;
const OPTIONS = {
  projection: { _id: 0, conversation_id: 1, seq: 1, message_id: 1 },
  readConcern: { level: 'majority' },
  maxTimeMS: 1_000,
} as const;

/** Which documents are at which places, without their texts, as a majority has them. Each read goes by the one index, whatever the size of the collection. */
@Injectable()
export class DocumentPlaces {
  constructor(
    private readonly mongo: Mongo,
    @InjectModel(MESSAGES) private readonly model: Model<MessageDocument>,
  ) {}

  /** What is in these stretches, in no order. @throws Unavailable `mongo` */
  async listStretches(stretches: readonly Stretch[]): Promise<PlacedDocument[]> {
    const found: PlacedDocument[] = [];
    for (let n = 0; n < stretches.length; n += SIDE_BY_SIDE) {
      const some = stretches.slice(n, n + SIDE_BY_SIDE);
      found.push(
        ...(
          await this.mongo.run('messages.list_stretches', () =>
            Promise.all(some.map((stretch) => this.find(filterOf(stretch)).limit(stretch.limit).toArray())),
          )
        ).flat(),
      );
    }
    return found;
  }

  /** A conversation's documents above `after`, up to and with `upTo` (null is no bound), lowest first, at most `limit`. @throws Unavailable `mongo` */
  listOf({ limit, ...stretch }: Stretch): Promise<PlacedDocument[]> {
    return this.mongo.run('messages.list_of', () =>
      this.find(filterOf({ ...stretch, limit }))
        .sort({ seq: 1 })
        .limit(limit)
        .toArray(),
    );
  }

  /** Documents of all conversations between these two (null is no bound), in order, at most `limit`. @throws Unavailable `mongo` */
  listBetween(after: string | null, before: string | null, limit: number): Promise<PlacedDocument[]> {
    const range = { ...(after === null ? { $gte: '' } : { $gt: after }), ...(before === null ? {} : { $lt: before }) };
    return this.mongo.run('messages.list_between', () =>
      this.find({ conversation_id: range }).sort({ conversation_id: 1, seq: 1 }).limit(limit).toArray(),
    );
  }

  /** Documents that name no conversation, at most `limit`. @throws Unavailable `mongo` */
  listHomeless(limit: number): Promise<PlacedDocument[]> {
    return this.mongo.run('messages.list_homeless', () => this.find({ conversation_id: null }).limit(limit).toArray());
  }

  private find(filter: object) {
    return this.model.collection.find<PlacedDocument>(filter, OPTIONS);
  }
}

function filterOf({ conversation_id, after, upTo }: Stretch): object {
  return {
    conversation_id,
    seq: { ...(after === null ? {} : { $gt: after }), ...(upTo === null ? {} : { $lte: upTo }) },
  };
}
