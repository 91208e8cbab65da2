import { harmonyAnswer } from './harmony.js';
import { visibleFrom } from './storable-text.js';
import { endOfClosing, markAt, marksIn, type Mark, type MarkKind } from './thought-marks.js';

/*
 * What a model thought, where a server leaves it in the text of the answer. Everything here is linear in the text.
 */

/** What is written so at the beginning is thought even if it never ends. Other marks are rarer, and can be a heading. */
const SURE: ReadonlySet<MarkKind> = new Set<MarkKind>(['tag', 'lozenge']);
/** Those whose opening mark servers put into the prompt, so that only the closing one is in the text. */
const CLOSING_ALONE: ReadonlySet<MarkKind> = new Set<MarkKind>(['tag', 'lozenge', 'bracket']);

/**
 * What remains of an answer without what the model thought, which is empty if it only thought.
 *
 * Thought begins with an opening mark as the first thing of the answer, and ends with the closing one that belongs to it;
 * if none does, all is thought (`<think>`, `<thinking>`, `◁think▷`, harmony) or nothing (other marks). With `stripsLone` it
 * also ends with a closing mark alone on its line, outside code, that no opening mark stands before: servers of one's own put
 * the opening one into the prompt. A mark anywhere else is what the answer is about.
 */
export function withoutThought(text: string, { stripsLone }: { readonly stripsLone: boolean }): string {
  const harmony = harmonyAnswer(text, { hasLostMarks: stripsLone });
  if (harmony !== null) return afterMark(harmony, 0);
  let end = endOfBlocks(text, 0);
  const lone = stripsLone && end < text.length ? endOfLoneClosing(text, end) : -1;
  if (lone >= 0) end = endOfBlocks(text, lone);
  return end > 0 ? afterMark(text, end) : text;
}

/** The answer begins on a line of its own, with its indentation, or behind the mark. */
function afterMark(text: string, end: number): string {
  return text.slice(end).replace(/^\s*\n|^[^\S\n]+/, '');
}

/**
 * Where thought that begins right at `from` ends; `from` if there is none. Further thought right behind it counts only if it
 * ends, too. A closing mark alone on its line right behind it, which models write twice, belongs to it.
 */
function endOfBlocks(text: string, from: number): number {
  const blocks = new Blocks(text, from);
  let end = from;
  for (;;) {
    const start = visibleFrom(text, end);
    const mark = markAt(text, start);
    if (mark === null) return end;
    if (mark.opens) {
      const closing = blocks.endOf(mark.kind, start);
      if (closing < 0) return end === 0 && SURE.has(mark.kind) ? text.length : end;
      end = closing;
    } else {
      if (end === 0 || !isAlone(text, end, mark)) return end;
      end = mark.end;
    }
  }
}

/** Whether a mark that is the first thing behind `from` has its line for itself. */
function isAlone(text: string, from: number, mark: Pick<Mark, 'at' | 'end'>): boolean {
  const before = text.slice(from, mark.at);
  REST_IS_BLANK.lastIndex = mark.end;
  return /^ {0,3}$/.test(before.slice(before.lastIndexOf('\n') + 1)) && REST_IS_BLANK.test(text);
}

const REST_IS_BLANK = /[^\S\n]*(?:\n|$)/y;

/**
 * Finds the closing marks of blocks, each behind the one before. A model can think about marks: those inside are counted,
 * and those in code are not marks. Where the count never ends, as after a mark that was only mentioned, the first closing
 * mark alone on its line ends the block, or the first one; from then on nothing is counted, which keeps it linear.
 */
class Blocks {
  private readonly marks: Iterator<Mark, undefined>;
  private counts = true;

  constructor(
    private readonly text: string,
    from: number,
  ) {
    this.marks = marksIn(text, from, { skipsBlocks: false });
  }

  /** Where the block ends that begins at `start`; -1 if it does not. */
  endOf(kind: MarkKind, start: number): number {
    if (!this.counts) return endOfClosing(this.text, kind, start);
    let depth = 1;
    let first = -1;
    let firstAlone = -1;
    for (let next = this.marks.next(); !next.done; next = this.marks.next()) {
      const mark = next.value;
      if (mark.at <= start || mark.kind !== kind) continue;
      depth += mark.opens ? 1 : -1;
      if (depth === 0) return mark.end;
      if (mark.opens) continue;
      if (first < 0) first = mark.end;
      if (firstAlone < 0 && mark.isAlone) firstAlone = mark.end;
    }
    this.counts = false;
    const found = firstAlone < 0 ? first : firstAlone;
    return found < 0 && SURE.has(kind) ? endOfClosing(this.text, kind, start) : found;
  }
}

/** Where the first closing mark ends that is alone on its line, outside code, and has no opening mark; -1 if there is none. */
function endOfLoneClosing(text: string, from: number): number {
  if (!ANY_CLOSING.test(text)) return -1;
  const depths = new Map<MarkKind, number>();
  for (const mark of marksIn(text, from, { skipsBlocks: true })) {
    const depth = depths.get(mark.kind) ?? 0;
    if (!mark.opens && depth === 0 && mark.isAlone && CLOSING_ALONE.has(mark.kind)) return mark.end;
    depths.set(mark.kind, mark.opens ? depth + 1 : Math.max(0, depth - 1));
  }
  return -1;
}

const ANY_CLOSING = /<\/think|◁\/think|\[\/THINK/i;
