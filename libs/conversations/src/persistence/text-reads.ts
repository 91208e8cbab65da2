import { FairSlots, Unavailable } from '@edgechat/kernel';
import type { Mongo } from '@edgechat/platform/mongo';

const MIB = 1_048_576;
/** While a text is read it is there twice: as the bytes that came, and as the string made of them. */
const HELD_PER_BYTE = 2;
/** However little they have, so many reads run at once. */
const AT_ONCE_MAX = 32;
/** One reader has a quarter at once: 8 small reads, or one large one, beside which MongoDB still answers a stranger in time. */
const READER_SHARE = 1 / 4;
/** So much of the capacity is for readers with nothing under way that had little of it of late: as much as one who reads a page each second. */
const RESERVED_SHARE = 1 / 4;
const LIGHT_SHARE = 1 / 50;
/** Each that waits holds the ledger's rows of a page, some 40 KiB. */
const WAITING_MAX = 400;
const WAITING_MAX_PER_READER = 64;
const WAIT_MS = 5_000;

/**
 * Bytes that a text counts as when the ledger does not say: many times what people write at once, and so little that 50 of them count as a small read. Who sent longer ones before they
 * were counted has them read as if they were short.
 */
export const UNKNOWN_BYTES = 8_192;

/** Who reads: an account, or for work inside the conversation that it is for. */
export type Reader = number | string;

/** One read of texts: for whom, and how many bytes it will have. */
export interface TextRead {
  readonly reader: Reader;
  readonly bytes: number;
}

/**
 * The reads of texts that this process makes at once: as much memory as they may take (`READS_MB`), shared by reader. So a reader of much waits for itself, not the others for it.
 * A large read that is late ends there and then, with its connection: what nobody waits for any more takes no place.
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
      ...(isLimited
        ? {
            perKey: capacity * READER_SHARE,
            reserved: capacity * RESERVED_SHARE,
            reservedForUseUpTo: capacity * LIGHT_SHARE,
          }
        : {}),
      waitingMax: WAITING_MAX,
      waitingMaxPerKey: WAITING_MAX_PER_READER,
      waitMs: WAIT_MS,
      refuse: () => new Unavailable('mongo'),
    });
  }

  /**
   * Makes one round trip when it is its turn, and turns what came into what is asked for. `find` may end when its signal aborts.
   * @throws Unavailable `mongo`, also when too many wait, or it waited 5 s
   */
  run<Found, Result>(
    operation: string,
    { reader, bytes }: TextRead,
    find: (late: AbortSignal) => Promise<Found>,
    decode: (found: Found) => Promise<Result>,
  ): Promise<Result> {
    return this.slots.run(reader, Math.max(bytes * HELD_PER_BYTE, this.leastBytes), async () => {
      const late = new AbortController();
      try {
        return await decode(await this.mongo.run(operation, () => find(late.signal), { expectedBytes: bytes }));
      } catch (error) {
        late.abort();
        throw error;
      }
    });
  }
}
