/** How far a work has come. `total` null: nobody knows how much there is. */
export interface Standing {
  readonly done: number;
  readonly total: number | null;
  /** What is counted, such as `messages`. */
  readonly unit: string;
  /** What else there is to tell. */
  readonly note?: string;
}

const REDRAW_MS = 200;
const REPORT_EVERY_MS = 5_000;
const BAR_WIDTH = 20;
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[K';

/** One sentence for the operator, on stderr: stdout may be a dump. */
export function say(sentence: string): void {
  process.stderr.write(`${process.stderr.isTTY ? CLEAR_LINE : ''}${sentence}\n`);
}

/** Shows on stderr how far `work` has come: a bar on a terminal, else a line every 5 s. */
export async function showing<T>(standing: () => Standing, work: () => Promise<T>): Promise<T> {
  const beganAt = Date.now();
  const { stderr } = process;
  const draw = (): void => {
    const line = lineOf(standing(), Date.now() - beganAt);
    stderr.write(stderr.isTTY ? `${CLEAR_LINE}${line.slice(0, (stderr.columns || DEFAULT_COLUMNS) - 1)}` : `${line}\n`);
  };
  const timer = setInterval(draw, stderr.isTTY ? REDRAW_MS : REPORT_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (stderr.isTTY) {
      draw();
      stderr.write('\n');
    }
  }
}

/** `[#####---------------]  25 %  1,000 of 4,000 messages  500/s  0:06 left` */
export function lineOf({ done, total, unit, note }: Standing, elapsedMs: number): string {
  const perSecond = elapsedMs > 0 ? (done / elapsedMs) * 1_000 : 0;
  const rate = `${grouped(Math.round(perSecond))}/s`;
  const tail = note === undefined ? '' : `  ${note}`;
  if (total === null) return `${grouped(done)} ${unit}  ${rate}${tail}`;

  const part = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(part * BAR_WIDTH);
  const left = perSecond > 0 ? `  ${clock(Math.max(0, total - done) / perSecond)} left` : '';
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${String(Math.floor(part * 100)).padStart(3)} %  ${grouped(Math.min(done, total))} of ${grouped(total)} ${unit}  ${rate}${left}${tail}`;
}

/** 1234567 → `1,234,567`, whatever the locale. */
export const grouped = (count: number): string => count.toLocaleString('en-US');

/** Seconds as `m:ss`, or `h:mm:ss`. */
function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes, rest] = [
    Math.floor(whole / 3_600),
    Math.floor((whole % 3_600) / 60),
    String(whole % 60).padStart(2, '0'),
  ];
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
