import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import { Mongo } from '@edgechat/platform/mongo';
import type { Model } from 'mongoose';
import { MESSAGES, SIDE_BY_SIDE, type MessageDocument } from './message-documents.js';

/** Places of one conversation, both ends included. A call takes at most 100 places together: as many as a page, which is read within the same deadline. */
export interface Range {
  readonly conversation_id: string;
  readonly lowest: number;
  readonly highest: number;
}

const FIELDS = { _id: 0, conversation_id: 1, seq: 1, message_id: 1, author: 1, content: 1, created_at: 1 } as const;
const ID = { _id: 0, message_id: 1 } as const;
const REMOVED_AT_ONCE = 500;

interface PlaceFilter {
  readonly conversation_id: string;
  readonly seq: { readonly $gte: number; readonly $lte: number };
}

/** The whole collection of messages, for backup and restore. Each read goes by ranges of the one index, so that its cost does not grow with the collection, and asks only the shards that have them. */
@Injectable()
export class AllDocuments {
  constructor(
    private readonly mongo: Mongo,
    @InjectModel(MESSAGES) private readonly model: Model<MessageDocument>,
  ) {}

  /** All that is in these ranges, as a majority has it. It may be foreign: whatever has a place is given. @throws Unavailable `mongo` */
  listRanges(ranges: readonly Range[]): Promise<unknown[]> {
    return this.eachRange('messages.list_ranges', ranges, (filter) =>
      this.model.find(filter, FIELDS).readConcern('majority').maxTimeMS(1_000).lean<unknown[]>().exec(),
    );
  }

  /** The ids of the messages in these ranges, as a majority has them. @throws Unavailable `mongo` */
  async listIds(ranges: readonly Range[]): Promise<Set<string>> {
    const found = await this.eachRange('messages.list_ids', ranges, (filter) =>
      this.model.find(filter, ID).readConcern('majority').maxTimeMS(1_000).lean<{ message_id: string }[]>().exec(),
    );
    return new Set(found.map(({ message_id }) => message_id));
  }

  /** Removes some messages, and whatever else is in the collection; returns how many. Call again until it returns 0. The index and the shards stay. @throws Unavailable `mongo` */
  async removeSome(): Promise<number> {
    const { collection } = this.model;
    const some = await this.mongo.run('messages.list_any', () =>
      collection
        .find({}, { projection: { _id: 1 }, maxTimeMS: 1_000 })
        .limit(REMOVED_AT_ONCE)
        .toArray(),
    );
    if (some.length === 0) return 0;
    await this.mongo.run('messages.remove_any', () =>
      collection.deleteMany({ _id: { $in: some.map(({ _id }) => _id) } }),
    );
    return some.length;
  }

  /** A query for each range, some side by side: not every server goes by the index for an `$or` of ranges. */
  private async eachRange<T>(
    operation: string,
    ranges: readonly Range[],
    find: (filter: PlaceFilter) => Promise<T[]>,
  ): Promise<T[]> {
    const found: T[] = [];
    for (let n = 0; n < ranges.length; n += SIDE_BY_SIDE) {
      const some = ranges
        .slice(n, n + SIDE_BY_SIDE)
        .map(({ conversation_id, lowest, highest }) => ({ conversation_id, seq: { $gte: lowest, $lte: highest } }));
      found.push(...(await this.mongo.run(operation, () => Promise.all(some.map(find)))).flat());
    }
    return found;
  }
}
