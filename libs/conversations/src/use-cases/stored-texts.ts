import { Injectable } from '@nestjs/common';
import { Postgres } from '@edgechat/platform/postgres';
import type { Place } from '../persistence/message-documents.js';
import { settleStored } from '../persistence/send-batch.js';

/** Places are kept for at most this long before they are settled without a send: less than the relay waits before it has a worker look. */
const SETTLE_AFTER_MS = 500;
/** At most so many go along with one batch, and are kept at all: what is not is found by the relay. */
const TAKEN_MAX = 500;
const KEPT_MAX = 10_000;

/** Remembers which texts MongoDB has got from this process, until their debts are settled: by the next batch of sends, on its way, or alone where none comes. Forgetting one only makes a worker look for it. */
@Injectable()
export class StoredTexts {
  private readonly places: Place[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly postgres: Postgres) {}

  /** MongoDB has acknowledged these, by a majority and journaled. */
  add(places: readonly Place[]): void {
    if (this.places.length + places.length > KEPT_MAX) return;
    this.places.push(...places);
    this.timer ??= setTimeout(() => void this.settleAlone(), SETTLE_AFTER_MS).unref();
  }

  /** The oldest, for a batch that is about to be written; they are forgotten here. */
  take(): readonly Place[] {
    return this.places.splice(0, TAKEN_MAX);
  }

  private async settleAlone(): Promise<void> {
    this.timer = null;
    for (let places = this.take(); places.length > 0; places = this.take()) {
      // With PostgreSQL away they stay owed, and a worker looks for them.
      await settleStored(this.postgres, places).catch(() => undefined);
    }
  }
}
