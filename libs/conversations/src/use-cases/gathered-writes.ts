import type { MessageDocument } from '../persistence/message-documents.js';

/** Writes under way at once: one that is slow does not hold up the next, and more would only wait for each other in the store. */
const WRITES_MAX = 2;
/** So many texts go together at most. */
const GATHERED_MAX = 1_000;

interface Gathered {
  readonly documents: MessageDocument[];
  readonly written: Promise<void>;
}

/** Writes the texts of several batches together while earlier ones are being written: to the store a write costs more than what is in it. A batch that comes while few are under way does not wait. */
export class GatheredWrites {
  private running = 0;
  private gathered: Gathered | null = null;
  private readonly places: (() => void)[] = [];

  constructor(private readonly put: (documents: readonly MessageDocument[]) => Promise<void>) {}

  /** Resolves once these are written. @throws what the write threw that they were part of */
  async write(documents: readonly MessageDocument[]): Promise<void> {
    if (this.gathered !== null && this.gathered.documents.length + documents.length <= GATHERED_MAX) {
      this.gathered.documents.push(...documents);
      return this.gathered.written;
    }
    if (this.running < WRITES_MAX && this.gathered === null) return this.run(documents);

    const own = [...documents];
    const gathered: Gathered = { documents: own, written: this.place().then(() => this.begin(gathered)) };
    this.gathered = gathered;
    return gathered.written;
  }

  /** Resolves when a write that was under way has ended and this one may begin. */
  private place(): Promise<void> {
    return new Promise((resolve) => this.places.push(resolve));
  }

  private begin(gathered: Gathered): Promise<void> {
    if (this.gathered === gathered) this.gathered = null;
    return this.run(gathered.documents);
  }

  private async run(documents: readonly MessageDocument[]): Promise<void> {
    this.running += 1;
    try {
      await this.put(documents);
    } finally {
      this.running -= 1;
      this.places.shift()?.();
    }
  }
}
