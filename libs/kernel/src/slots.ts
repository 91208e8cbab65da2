export interface SlotsOptions {
  readonly atOnce: number;
  readonly waitingMax: number;
  /** What who comes when too many wait is refused with. */
  readonly refuse: () => Error;
}

/** Lets so many run at once, and so many wait, in the order they came. */
export class Slots {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly options: SlotsOptions) {}

  /** True when nobody runs or waits. */
  get isIdle(): boolean {
    return this.running === 0;
  }

  /** Runs `work` as soon as a slot is free. @throws what `refuse` makes, at once, when too many wait; what `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.enter();
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private async enter(): Promise<void> {
    if (this.running < this.options.atOnce) {
      this.running += 1;
      return;
    }
    if (this.waiting.length >= this.options.waitingMax) throw this.options.refuse();
    await new Promise<void>((go) => this.waiting.push(go));
  }

  /** A slot goes straight to who waited longest; `running` counts it on. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running -= 1;
  }
}
