import { Injectable } from '@nestjs/common';
import { AllDocuments } from '../persistence/all-documents.js';
import { patiently } from '../persistence/patiently.js';

/** Removes every message from MongoDB: the ledger then waits for a restore. */
@Injectable()
export class WipeMessages {
  constructor(private readonly documents: AllDocuments) {}

  /** Removes 500 at a time until there is none; safe to end in the middle and to repeat. Nothing may write meanwhile. @param onRemoved told how many there were so far @throws Unavailable `mongo` */
  async run(onRemoved: (messages: number) => void, signal: AbortSignal): Promise<void> {
    let total = 0;
    for (let removed = 1; removed > 0; total += removed) {
      onRemoved(total);
      removed = await patiently(signal, () => this.documents.removeSome());
    }
  }
}
