import { FairSlots, Unavailable } from '@edgechat/kernel';
import type { Mongo } from '@edgechat/platform/mongo';

const MIB = 1_048_576;
/** However little they have, so many reads run at once. */
const AT_ONCE_MAX = 12;
/** So much of the capacity is for readers with nothing under way: a quarter. */
const RESERVED_SHARE = 1 / 4;
/** Each that waits holds the ledger's rows of a page, some 40 KiB. */
const WAITING_MAX = 400;
const WAITING_MAX_PER_READER = 64;
const WAIT_MS = 5_000;

/**
 * Bytes that a text counts as when the ledger does not say: the most that one in ASCII has. So a page of messages of an earlier release is taken for a large answer, which it can be,
 * and still runs beside seven others.
 */
export const UNKNOWN_BYTES = 32_000;

/** Who reads: an account, or for work inside the conversation that it is for. */
export type Reader = number | string;

/** One read of texts: for whom, and how many bytes it will have. */
export interface TextRead {
  readonly reader: Reader;
  readonly bytes: number;
}

/**
 * The reads of texts that this process makes at once: as many bytes as it may hold of them (`READS_MB`), shared by reader. So a reader of much waits for itself, not the others for it.
 * A read that is late ends there and then, with its connection: what nobody waits for any more takes no place.
 */
export class TextReads {
  private readonly slots: FairSlots<Reader>;
  private readonly leastBytes: number;

  /** @param megabytes 0: nobody may read; Infinity: no limit */
  constructor(
    private readonly mongo: Mongo,
    megabytes: number,
  ) {
    const capacity = megabytes * MIB;
    const isLimited = Number.isFinite(capacity);
    this.leastBytes = isLimited ? capacity / AT_ONCE_MAX : 1;
    this.slots = new FairSlots({
      capacity,
      reserved: isLimited ? capacity * RESERVED_SHARE : 0,
      waitingMax: WAITING_MAX,
      waitingMaxPerKey: WAITING_MAX_PER_READER,
      waitMs: WAIT_MS,
      refuse: () => new Unavailable('mongo'),
    });
  }

  /** Makes one round trip when it is its turn. `find` ends when its signal aborts. @throws Unavailable `mongo`, also when too many wait, or it waited 5 s */
  run<T>(operation: string, { reader, bytes }: TextRead, find: (late: AbortSignal) => Promise<T>): Promise<T> {
    return this.slots.run(reader, Math.max(bytes, this.leastBytes), async () => {
      const late = new AbortController();
      try {
        return await this.mongo.run(operation, () => find(late.signal), { expectedBytes: bytes });
      } catch (error) {
        late.abort();
        throw error;
      }
    });
  }
}
