import { channel } from 'node:diagnostics_channel';

/** A slice ends after this long, or after so many characters of input, whichever is first. Half of what one may take: a step and a collection of garbage come on top. */
export const SLICE_MS = 5;
export const SLICE_CHARACTERS = 65_536;

/** What a slice was: which work, how long it had the event loop, and how much of the input it took. */
export interface Slice {
  readonly work: string;
  /** By the clock; where others want the processor, it may have been theirs for a part of it. */
  readonly ms: number;
  /** Processor time of the whole process meanwhile: the slice took no more than this, and than `ms`. */
  readonly processorMs: number;
  readonly characters: number;
}

/** Published at the end of each slice: for tests and measurements. */
export const SLICES = 'edgechat:slice';
const slices = channel(SLICES);

/**
 * The turns of all long work of a process: one slice at a time, in order, and between two of them a round of the event loop, in which it serves everybody else, however much long work there is.
 */
class Turns {
  private readonly waiting: (() => void)[] = [];

  /** Resolves when the next slice may begin. */
  wait(): Promise<void> {
    return new Promise((begin) => {
      this.waiting.push(begin);
      if (this.waiting.length === 1) setImmediate(this.begin);
    });
  }

  private readonly begin = (): void => {
    this.waiting.shift()?.();
    if (this.waiting.length > 0) setImmediate(this.begin);
  };
}

const turns = new Turns();

/**
 * Divides long work into slices, between which the event loop serves others. Work calls `take` after each small step (at most about a thousand characters) with what the step took; once the
 * slice has had its time or its input, `next` waits for the turn of the next one.
 */
export class Slices {
  private beganAt = 0;
  private processorMsBefore = 0;
  private characters = 0;

  constructor(
    private readonly work: string,
    private readonly signal?: AbortSignal,
  ) {
    this.begin();
  }

  /** True when the slice is over: call `next` before the next step. Cheap: no promise. */
  take(characters: number): boolean {
    this.characters += characters;
    return this.characters >= SLICE_CHARACTERS || performance.now() - this.beganAt >= SLICE_MS;
  }

  /** Ends the slice and resolves at the beginning of the next. @throws the reason of `signal` when it was aborted */
  async next(): Promise<void> {
    this.end();
    await turns.wait();
    this.begin();
    this.signal?.throwIfAborted();
  }

  /** Ends the last slice, or one before a wait: what follows a wait is a slice of its own. */
  end(): void {
    if (slices.hasSubscribers && this.characters > 0)
      slices.publish({
        work: this.work,
        ms: performance.now() - this.beganAt,
        processorMs: processorMs() - this.processorMsBefore,
        characters: this.characters,
      } satisfies Slice);
    this.characters = 0;
  }

  /** Begins a slice after a wait for something else. */
  begin(): void {
    this.beganAt = performance.now();
    if (slices.hasSubscribers) this.processorMsBefore = processorMs();
    this.characters = 0;
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
