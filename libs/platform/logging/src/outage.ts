import type { Log } from './log.js';

/** Tells of an outage when it begins and when it is over, however many calls it fails meanwhile. */
export class Outage {
  private failed = 0;

  constructor(
    private readonly log: Pick<Log, 'warn' | 'info'>,
    private readonly words: { readonly begins: string; readonly isOver: string },
  ) {}

  /** Waits for `work`; what it throws is told, at most once in a row, and not thrown. Resolves to whether it went well. */
  async watch(work: Promise<unknown>): Promise<boolean> {
    try {
      await work;
    } catch (error) {
      this.failed += 1;
      if (this.failed === 1) this.log.warn(this.words.begins, { error });
      return false;
    }
    if (this.failed > 0) this.log.info(this.words.isOver, { failed: this.failed });
    this.failed = 0;
    return true;
  }
}
