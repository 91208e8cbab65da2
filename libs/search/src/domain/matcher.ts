import type { Span } from './fold.js';
import type { Pattern } from './query.js';
import type { WordSink } from './words.js';

/** What a text must hold, and must not: nothing of `excluded`, all of `required`, and a word that begins with `beginning`. */
export interface Wanted {
  readonly required: readonly Pattern[];
  readonly beginning: string | null;
  readonly excluded: readonly Pattern[];
}

/** Of a word or an unspaced character: the bits of the patterns' steps that it is. */
type Mask = Int32Array;

/** One bit each for the steps of all patterns, pattern by pattern, a step being a word or an unspaced character. */
class Steps {
  private readonly size: number;
  readonly words = new Map<string, Mask>();
  readonly characters = new Map<number, Mask>();
  readonly beginningMask: Mask;
  /** The steps that patterns begin with, those that they end with, and those that must stand right behind the one before. */
  readonly first: Mask;
  readonly last: Mask;
  readonly joined: Mask;
  /** By the bit that it ends with: which pattern, and how many steps it has. */
  readonly ending = new Map<number, { readonly pattern: number; readonly length: number }>();
  readonly longest: number;

  constructor(patterns: readonly Pattern[], beginning: string | null) {
    const lengths = patterns.map((pattern) => pattern.reduce((sum, run) => sum + stepsOf(run), 0));
    this.size = Math.ceil((lengths.reduce((sum, length) => sum + length, 0) + 1) / 32);
    [this.first, this.last, this.joined, this.beginningMask] = [this.none(), this.none(), this.none(), this.none()];
    this.longest = Math.max(1, ...lengths);
    let bit = 0;
    for (const [n, pattern] of patterns.entries()) {
      set(this.first, bit);
      for (const run of pattern) bit = this.addRun(run, bit);
      this.addEnd(bit - 1, n, lengths[n] ?? 1);
    }
    if (beginning === null) return;
    for (const mask of [this.first, this.beginningMask]) set(mask, bit);
    this.addEnd(bit, patterns.length, 1);
  }

  none(): Mask {
    return new Int32Array(this.size);
  }

  private addRun({ text, isUnspaced }: Pattern[number], from: number): number {
    if (!isUnspaced) {
      set(
        maskOf(this.words, text, () => this.none()),
        from,
      );
      return from + 1;
    }
    let bit = from;
    for (const character of text) {
      set(
        maskOf(this.characters, character.codePointAt(0) ?? 0, () => this.none()),
        bit,
      );
      if (bit > from) set(this.joined, bit);
      bit += 1;
    }
    return bit;
  }

  private addEnd(bit: number, pattern: number, length: number): void {
    set(this.last, bit);
    this.ending.set(bit, { pattern, length });
  }
}

/** How many steps a run is: a word one, unspaced text as many as it has characters. */
export function stepsOf({ text, isUnspaced }: Pattern[number]): number {
  return isUnspaced ? Array.from(text).length : 1;
}

const set = (mask: Mask, bit: number): void => void (mask[bit >>> 5] = (mask[bit >>> 5] ?? 0) | (1 << (bit & 31)));
function maskOf<Key>(masks: Map<Key, Mask>, key: Key, none: () => Mask): Mask {
  const mask = masks.get(key) ?? none();
  masks.set(key, mask);
  return mask;
}

/** Spans that begin so many units of the folded text behind the first one are not kept: 160 characters are shown, each folded to 20 units at most. */
const KEPT = 160 * 20;

/**
 * Looks for all patterns at once while a text is read (Shift-And, Baeza-Yates and Gonnet 1992): per word or character one look into a table and a few operations on as many bits as the patterns have
 * steps, however many patterns there are and wherever they stand.
 */
export class Matcher implements WordSink {
  private readonly steps: Steps;
  private readonly beginning: string | null;
  private readonly firstExcluded: number;
  private readonly canBeExcluded: boolean;
  private readonly found: boolean[];
  private missing: number;
  private readonly state: Mask;
  private readonly mask: Mask;
  private isStateEmpty = true;
  /** Where the last steps began, as many as the longest pattern has; a ring. */
  private readonly starts: Float64Array;
  private count = 0;
  private kept: Span[] = [];
  private firstStart = Infinity;
  /** True once something is there that must not be: no more need be read. */
  isExcluded = false;

  constructor({ required, beginning, excluded }: Wanted) {
    this.steps = new Steps([...required, ...excluded], beginning);
    this.beginning = beginning;
    this.firstExcluded = required.length;
    this.canBeExcluded = excluded.length > 0;
    this.missing = required.length + (beginning === null ? 0 : 1);
    this.found = Array.from({ length: required.length + excluded.length + 1 }, () => false);
    this.state = this.steps.none();
    this.mask = this.steps.none();
    this.starts = new Float64Array(this.steps.longest);
  }

  /** True when all is there that must be, and, so far, nothing that must not. */
  get isFound(): boolean {
    return this.missing === 0 && !this.isExcluded;
  }

  /** True when nothing that follows can change what was found, or where it is first: the longest pattern that may be under way began too far behind it. */
  get isSettled(): boolean {
    const oldest = this.starts[this.count % this.starts.length] ?? 0;
    return this.isFound && !this.canBeExcluded && oldest >= this.firstStart + KEPT;
  }

  /** Where the patterns are, ascending, those that overlap made one: from the first on, as far as can be shown with it. */
  get spans(): Span[] {
    const spans = this.kept.filter(({ start }) => start < this.firstStart + KEPT);
    const merged: Span[] = [];
    for (const span of spans.toSorted((a, b) => a.start - b.start)) {
      const last = merged.at(-1);
      if (last && last.end > span.start)
        merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
      else merged.push(span);
    }
    return merged;
  }

  word(text: string, parts: readonly string[], start: number, end: number): void {
    const { words, beginningMask } = this.steps;
    const mask = words.get(text);
    if (parts.length === 0 && (this.beginning === null || !text.startsWith(this.beginning))) {
      this.step(mask, false, start, end);
      return;
    }
    this.mask.fill(0);
    for (const one of [text, ...parts]) {
      addTo(this.mask, words.get(one));
      if (this.beginning !== null && one.startsWith(this.beginning)) addTo(this.mask, beginningMask);
    }
    this.step(this.mask, false, start, end);
  }

  character(code: number, start: number, end: number, isApart: boolean): void {
    this.step(this.steps.characters.get(code), isApart, start, end);
  }

  private step(mask: Mask | undefined, isApart: boolean, start: number, end: number): void {
    this.starts[this.count % this.starts.length] = start;
    this.count += 1;
    if (mask === undefined) {
      if (!this.isStateEmpty) this.state.fill(0);
      this.isStateEmpty = true;
      return;
    }
    const { first, last, joined } = this.steps;
    let carry = 0;
    let some = 0;
    let ended = 0;
    for (let i = 0; i < mask.length; i += 1) {
      const before = this.state[i] ?? 0;
      const allowed = (mask[i] ?? 0) & (isApart ? ~(joined[i] ?? 0) : -1);
      const now = ((before << 1) | carry | (first[i] ?? 0)) & allowed;
      carry = before >>> 31;
      this.state[i] = now;
      some |= now;
      ended |= now & (last[i] ?? 0);
    }
    this.isStateEmpty = some === 0;
    if (ended !== 0) this.onEnded(end);
  }

  /** Of patterns that end at the same place the longest is all that shows. */
  private onEnded(end: number): void {
    let longest = 0;
    for (const [i, bits] of this.state.entries()) {
      for (let ended = bits & (this.steps.last[i] ?? 0); ended !== 0; ended &= ended - 1) {
        const one = this.steps.ending.get(i * 32 + 31 - Math.clz32(ended & -ended));
        if (one) longest = Math.max(longest, this.onPattern(one.pattern, one.length));
      }
    }
    if (longest === 0) return;
    const start = this.starts[(this.count - longest) % this.starts.length] ?? 0;
    this.firstStart = Math.min(this.firstStart, start);
    if (start < this.firstStart + KEPT) this.kept.push({ start, end });
  }

  /** How many steps of it show: none of what must not be there. */
  private onPattern(pattern: number, length: number): number {
    if (pattern >= this.firstExcluded && pattern < this.found.length - 1) {
      this.isExcluded = true;
      return 0;
    }
    if (this.found[pattern] !== true) this.missing -= 1;
    this.found[pattern] = true;
    return length;
  }
}

function addTo(mask: Mask, more: Mask | undefined): void {
  if (more) for (const [i, bits] of more.entries()) mask[i] = (mask[i] ?? 0) | bits;
}
