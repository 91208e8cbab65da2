/** How fast a client must go on: at least so much in each window, and how often that is checked. */
export interface Pace {
  readonly bytesPerS: number;
  readonly windowMs: number;
  readonly checkEveryMs: number;
}

/** The pace of bodies that come and of answers that go. */
export const PACE: Pace = { bytesPerS: 1_024, windowMs: 30_000, checkEveryMs: 5_000 };

export interface TransferLimits {
  /** What all transfers together may hold in memory. 0: nothing. Infinity: no limit. */
  readonly maxBytes: number;
  /** What those of one holder may hold; the first is let in whatever its size. 0: nothing. */
  readonly maxBytesPerHolder?: number;
  readonly pace: Pace;
}

/** Why a transfer is ended: its client is too slow, or its bytes are needed by somebody who holds less. */
export type Cut = 'slow' | 'room';

/** One body that comes or one answer that goes. */
export class Transfer {
  heldBytes = 0;
  /** What has come or gone so far. */
  movedBytes = 0;
  readonly beganAt = performance.now();
  windowBeganAt = this.beganAt;
  windowMovedBytes = 0;

  constructor(
    readonly holder: Holder,
    readonly parts: TransferParts,
  ) {}
}

export interface TransferParts {
  /** Ends the transfer, and lets go of its bytes. Called at most once, and not after `end`. */
  readonly cut: (why: Cut) => void;
  /** True when its connection is gone, so that nothing moves any more. */
  readonly isGone: () => boolean;
  /** True while it waits for another one on its connection, and is not asked for its pace. */
  readonly isQueued?: () => boolean;
  /** What has moved, where nobody counts it in `movedBytes`. */
  readonly movedBytes?: () => number;
  /** How long nothing may be seen to move, where a whole piece moves unseen. */
  readonly windowMs?: number;
  /** How many bytes move unseen: so much less may be seen in a window. */
  readonly unseenBytes?: number;
}

/** All transfers of one account, or of one address where no account is known. */
class Holder {
  readonly transfers = new Set<Transfer>();
  heldBytes = 0;

  constructor(readonly key: string) {}
}

/** What one holder may hold in small things, which are taken beyond every limit. */
const SMALL_MAX_BYTES_PER_HOLDER = 1_048_576;

/**
 * The bytes that clients make this process hold, bounded for all together. What does not fit takes the room of whoever holds most, if they hold more than the asker
 * would: who holds on to much loses it, and others do not notice. Each transfer must keep its pace.
 */
export class Transfers {
  private readonly holders = new Map<string, Holder>();
  private heldBytes = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly limits: TransferLimits) {
    this.timer = setInterval(() => this.cutSlow(), limits.pace.checkEveryMs);
    this.timer.unref();
  }

  /** What all transfers hold now. */
  get bytes(): number {
    return this.heldBytes;
  }

  /** Begins a transfer that holds nothing yet. Whoever begins it calls `end`, however it ends. */
  begin(key: string, parts: TransferParts): Transfer {
    const holder = this.holders.get(key) ?? new Holder(key);
    const transfer = new Transfer(holder, parts);
    this.holders.set(key, holder);
    holder.transfers.add(transfer);
    return transfer;
  }

  /** Counts more bytes for a transfer that goes on. False, and nothing counted, when there is no room for them. */
  hold(transfer: Transfer, bytes: number): boolean {
    const { maxBytes, maxBytesPerHolder = Number.POSITIVE_INFINITY } = this.limits;
    const others = (): number => transfer.holder.heldBytes - transfer.heldBytes;
    if (maxBytes === 0 || maxBytesPerHolder === 0) return false;
    if (others() > 0 && transfer.holder.heldBytes + bytes > maxBytesPerHolder) {
      this.forgetGone();
      if (others() > 0 && transfer.holder.heldBytes + bytes > maxBytesPerHolder) return false;
    }
    if (!this.makeRoom(transfer, bytes)) return false;
    this.count(transfer, bytes);
    return true;
  }

  /** Counts bytes that are too few to be refused. Who holds many such loses their slowest. */
  holdSmall(transfer: Transfer, bytes: number): void {
    const { holder } = transfer;
    while (
      !this.makeRoom(transfer, bytes, SMALL_MAX_BYTES_PER_HOLDER) &&
      holder.heldBytes + bytes > SMALL_MAX_BYTES_PER_HOLDER
    )
      if (!this.cutSlowestOf(holder, transfer)) break;
    this.count(transfer, bytes);
  }

  /** Lets go of a transfer's bytes, while it goes on. */
  release(transfer: Transfer): void {
    this.count(transfer, -transfer.heldBytes);
  }

  /** Ends a transfer; once more does nothing. */
  end(transfer: Transfer): void {
    const { holder } = transfer;
    if (!holder.transfers.delete(transfer)) return;
    this.release(transfer);
    if (holder.transfers.size === 0) this.holders.delete(holder.key);
  }

  /** Ends the checks of the pace. */
  close(): void {
    clearInterval(this.timer);
  }

  private count(transfer: Transfer, bytes: number): void {
    transfer.heldBytes += bytes;
    transfer.holder.heldBytes += bytes;
    this.heldBytes += bytes;
  }

  /** Takes room from those who hold more than the asker would, and more than `spared`. */
  private makeRoom(transfer: Transfer, bytes: number, spared = 0): boolean {
    const fits = (): boolean => this.heldBytes + bytes <= this.limits.maxBytes;
    if (fits()) return true;
    this.forgetGone();
    while (!fits()) {
      const greediest = this.greediest();
      if (greediest === null || greediest.heldBytes <= Math.max(transfer.holder.heldBytes + bytes, spared))
        return false;
      if (!this.cutSlowestOf(greediest, transfer)) return false;
    }
    return true;
  }

  private greediest(): Holder | null {
    let most: Holder | null = null;
    for (const holder of this.holders.values()) if (most === null || holder.heldBytes > most.heldBytes) most = holder;
    return most;
  }

  /** Cuts the transfer of a holder that moved least in its time, of those that hold something. False when there is none but `asker`. */
  private cutSlowestOf(holder: Holder, asker: Transfer): boolean {
    const now = performance.now();
    let slowest: { readonly transfer: Transfer; readonly bytesPerMs: number } | null = null;
    for (const transfer of holder.transfers) {
      if (transfer === asker || transfer.heldBytes === 0) continue;
      const bytesPerMs = transfer.movedBytes / Math.max(now - transfer.beganAt, 1_000);
      if (slowest === null || bytesPerMs < slowest.bytesPerMs) slowest = { transfer, bytesPerMs };
    }
    if (slowest !== null) this.cut(slowest.transfer, 'room');
    return slowest !== null;
  }

  private cut(transfer: Transfer, why: Cut): void {
    this.end(transfer);
    transfer.parts.cut(why);
  }

  private forgetGone(): void {
    for (const holder of this.holders.values())
      for (const transfer of holder.transfers) if (transfer.parts.isGone()) this.end(transfer);
  }

  private cutSlow(): void {
    const now = performance.now();
    const { bytesPerS, windowMs } = this.limits.pace;
    this.forgetGone();
    for (const holder of this.holders.values())
      for (const transfer of holder.transfers) {
        const { parts } = transfer;
        const ownWindowMs = parts.windowMs ?? windowMs;
        const dueBytes = Math.max(1, (bytesPerS * ownWindowMs) / 1_000 - (parts.unseenBytes ?? 0));
        if (parts.movedBytes) transfer.movedBytes = parts.movedBytes();
        if (parts.isQueued?.() === true || transfer.movedBytes - transfer.windowMovedBytes >= dueBytes) {
          transfer.windowBeganAt = now;
          transfer.windowMovedBytes = transfer.movedBytes;
        } else if (now - transfer.windowBeganAt >= ownWindowMs) this.cut(transfer, 'slow');
      }
  }
}
