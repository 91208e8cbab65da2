/*
 * The marks that models put around what they thought, and where a text has them. Everything here is linear in the text.
 */

/** A mark is closed by one of its own kind. The kind `tag` has two names, which models mix up. */
export type MarkKind = 'tag' | 'lozenge' | 'bracket' | 'vendor' | 'r' | 'command' | 'gemma';

export interface Mark {
  readonly kind: MarkKind;
  readonly opens: boolean;
  readonly at: number;
  readonly end: number;
  /** Whether nothing else is on its line, and at most three blanks are before it. */
  readonly isAlone: boolean;
}

const MARKS: Readonly<Record<MarkKind, { readonly opens: readonly string[]; readonly closes: readonly string[] }>> = {
  tag: { opens: ['<think>', '<thinking>'], closes: ['</think>', '</thinking>'] },
  lozenge: { opens: ['◁think▷'], closes: ['◁/think▷'] },
  bracket: { opens: ['[think]'], closes: ['[/think]'] },
  vendor: { opens: ['<seed:think>', '<mm:think>'], closes: ['</seed:think>', '</mm:think>'] },
  r: { opens: ['<|begin_of_thought|>'], closes: ['<|end_of_thought|>'] },
  command: { opens: ['<|start_thinking|>'], closes: ['<|end_thinking|>'] },
  gemma: { opens: ['<|channel>thought'], closes: ['<channel|>'] },
};

const KINDS: readonly MarkKind[] = ['tag', 'lozenge', 'bracket', 'vendor', 'r', 'command', 'gemma'];

type Meaning = Pick<Mark, 'kind' | 'opens'>;

/** By the mark in small letters. */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map(
  KINDS.flatMap((kind): [string, Meaning][] => [
    ...MARKS[kind].opens.map((mark): [string, Meaning] => [mark, { kind, opens: true }]),
    ...MARKS[kind].closes.map((mark): [string, Meaning] => [mark, { kind, opens: false }]),
  ]),
);

const ANY_MARK = new RegExp([...MEANINGS.keys()].map((mark) => mark.replace(/[[\]|]/g, '\\$&')).join('|'), 'gi');
const MARK_HERE = new RegExp(ANY_MARK.source, 'iy');

type PlainMark = Omit<Mark, 'isAlone'>;

/** The mark that begins right there. */
export function markAt(text: string, at: number): PlainMark | null {
  MARK_HERE.lastIndex = at;
  const [found] = MARK_HERE.exec(text) ?? [];
  return found === undefined ? null : markOf(found, at);
}

/** `[Think]` is a heading, `[THINK]` a mark. */
function markOf(found: string, at: number): PlainMark | null {
  const meaning = MEANINGS.get(found.toLowerCase());
  if (meaning === undefined || (meaning.kind === 'bracket' && found !== found.toUpperCase())) return null;
  return { kind: meaning.kind, opens: meaning.opens, at, end: at + found.length };
}

function* plainMarksIn(text: string, from: number): Generator<PlainMark> {
  ANY_MARK.lastIndex = from;
  for (const { 0: found, index } of text.matchAll(ANY_MARK)) {
    const mark = markOf(found, index);
    if (mark !== null) yield mark;
  }
}

/** Where the first closing mark of a kind ends, wherever it stands; -1 if there is none. */
export function endOfClosing(text: string, kind: MarkKind, from: number): number {
  for (const mark of plainMarksIn(text, from)) if (mark.kind === kind && !mark.opens) return mark.end;
  return -1;
}

/** The marks outside code between backticks; with `skipsBlocks` outside fenced and indented code, too. */
export function* marksIn(
  text: string,
  from: number,
  { skipsBlocks }: { readonly skipsBlocks: boolean },
): Generator<Mark, undefined> {
  let fence: Fence | null = null;
  for (let start = from; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const head = text.slice(start, Math.min(end, start + FENCE_LINE_MAX));
    const before: Fence | null = fence;
    if (skipsBlocks) fence = fenceAfter(before, head);
    const isCode = skipsBlocks && (fence !== null || before !== null || INDENTED.test(head));
    if (!isCode && end > start) yield* marksInLine(text.slice(start, end), start);
    start = end + 1;
  }
}

function* marksInLine(line: string, start: number): Generator<Mark> {
  let spans: readonly number[] | null = null;
  let i = 0;
  const visibleEnd = line.trimEnd().length;
  for (const mark of plainMarksIn(line, 0)) {
    spans ??= codeSpans(line);
    while ((spans[i + 1] ?? Infinity) <= mark.at) i += 2;
    if ((spans[i] ?? Infinity) < mark.at) continue;
    const { kind, opens, at, end } = mark;
    const isAlone = end === visibleEnd && at <= 3 && /^ *$/.test(line.slice(0, at));
    yield { kind, opens, at: start + at, end: start + end, isAlone };
  }
}

/** Where code between backticks begins and ends, in turn: a run of them is closed by the next one that is as long. */
function codeSpans(line: string): number[] {
  const starts: number[] = [];
  const lengths: number[] = [];
  for (let at = line.indexOf('`'); at >= 0;) {
    let end = at;
    while (line[end] === '`') end += 1;
    starts.push(at);
    lengths.push(end - at);
    at = line.indexOf('`', end);
  }

  const nextOfLength = new Map<number, number>();
  const next = lengths.map(() => -1);
  for (let i = lengths.length - 1; i >= 0; i -= 1) {
    next[i] = nextOfLength.get(lengths[i] ?? 0) ?? -1;
    nextOfLength.set(lengths[i] ?? 0, i);
  }

  const spans: number[] = [];
  for (let i = 0; i < starts.length; i += 1) {
    const closing = next[i] ?? -1;
    if (closing < 0) continue;
    spans.push(starts[i] ?? 0, (starts[closing] ?? 0) + (lengths[closing] ?? 0));
    i = closing;
  }
  return spans;
}

interface Fence {
  readonly marker: string;
  readonly isQuoted: boolean;
}

/** No line that opens or closes a fence is longer. */
const FENCE_LINE_MAX = 200;
/** In a list or a quotation, too. */
const FENCE = /^((?:\s|>|[-*+]\s|\d{1,9}[.)]\s)*)(`{3,}|~{3,})([^]*)$/;
const INDENTED = /^(?: {4}| {0,3}\t)/;

/** The fence that is open after a line. It ends with one of its own kind that is as long and has nothing behind it, or with the quotation. */
function fenceAfter(open: Fence | null, line: string): Fence | null {
  const [, before = '', marker = '', behind = ''] = FENCE.exec(line) ?? [];
  if (open === null || (open.isQuoted && !/^\s*>/.test(line))) {
    if (marker === '' || (marker.startsWith('`') && behind.includes('`'))) return null;
    return { marker, isQuoted: before.includes('>') };
  }
  return /^[\s>]*$/.test(before) && marker.startsWith(open.marker) && behind.trim() === '' ? null : open;
}
