import type { Log } from './log.js';

/** Reasons of one trouble that are told; more are not. */
const TOLD_MAX = 10;

/** Tells why something does not work, each reason once, however often it is tried, until it works again. */
export class Trouble {
  private readonly told = new Set<string>();

  constructor(
    private readonly log: Pick<Log, 'warn'>,
    private readonly words: string,
  ) {}

  /** @param hint a sentence that says what to look at; told once, whatever the error is in which the same trouble shows */
  has(error: unknown, hint?: string): void {
    const key = hint ?? keyOf(error);
    if (this.told.has(key) || this.told.size >= TOLD_MAX) return;
    this.told.add(key);
    this.log.warn(hint === undefined ? this.words : `${this.words}. ${hint}`, { reason: reasonOf(error) });
  }

  isOver(): void {
    this.told.clear();
  }
}

/** What an error says, in the words of whoever threw it; of several at once (a name with two addresses) those of the first. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0]);
  return (error instanceof Error ? error.message || error.name : String(error)).slice(0, 500);
}

/** (The same fault of a connection is met now by a read, now by a write: the code is what they share. Numbers are those of connections and ports.) */
function keyOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : reasonOf(error).replace(/[0-9]+/g, '');
}
