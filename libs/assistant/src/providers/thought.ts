import { visibleFrom } from './storable-text.js';

/*
 * What a model thought, where a server leaves it in the text of the answer. Everything here is linear in the text: each
 * mark is searched from where the last one was found.
 */

/** How thought is marked. A mark of one's own form is closed by its own; the two of XML's form are mixed up by models. */
const MARKS: readonly { readonly opens: RegExp; readonly closes: RegExp }[] = [
  { opens: /<think(?:ing)?>/iy, closes: /<\/think(?:ing)?>/gi },
  { opens: /◁think▷/iy, closes: /◁\/think▷/gi },
  { opens: /\[think\]/iy, closes: /\[\/think\]/gi },
  { opens: /<(?:seed|mm):think>/iy, closes: /<\/(?:seed|mm):think>/gi },
  { opens: /<\|begin_of_thought\|>/iy, closes: /<\|end_of_thought\|>/gi },
  { opens: /<\|start_thinking\|>/iy, closes: /<\|end_thinking\|>/gi },
  { opens: /<\|channel>thought/iy, closes: /<channel\|>/gi },
];

const ANY_CLOSING = /<\/think|◁\/think|\[\/think/i;
const LONE_CLOSING = /^ {0,3}(?:<\/think(?:ing)?>|◁\/think▷|\[\/think\])[^\S\n]*$/i;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/**
 * What remains of an answer without what the model thought, which is empty if it only thought.
 *
 * Thought begins with an opening mark as the first thing of the answer, and ends with the closing one, or never. With
 * `stripsLone` it also ends with a closing mark alone on its line, outside code: servers of one's own put the opening one
 * into the prompt. A mark anywhere else is what the answer is about.
 */
export function withoutThought(text: string, { stripsLone }: { readonly stripsLone: boolean }): string {
  const harmony = harmonyAnswer(text, stripsLone);
  if (harmony !== null) return harmony;
  const start = endOfOpening(text);
  if (start > 0) return afterMark(text, start);
  const lone = stripsLone ? endOfLoneClosing(text) : 0;
  return lone > 0 ? afterMark(text, lone) : text;
}

/** The answer begins on a line of its own, with its indentation, or behind the mark. */
function afterMark(text: string, end: number): string {
  return text.slice(end).replace(/^\s*\n|^[^\S\n]+/, '');
}

/** Where thought at the beginning ends; 0 if there is none. Further thought right behind it counts only if it ends, too. */
function endOfOpening(text: string): number {
  let end = 0;
  for (;;) {
    const start = visibleFrom(text, end);
    const mark = MARKS.find(({ opens }) => matchesAt(opens, text, start));
    if (mark === undefined) return end;
    const closing = endOf(mark.closes, text, start);
    if (closing < 0) return end === 0 ? text.length : end;
    end = closing;
  }
}

function matchesAt(sticky: RegExp, text: string, at: number): boolean {
  sticky.lastIndex = at;
  return sticky.test(text);
}

function endOf(global: RegExp, text: string, from: number): number {
  global.lastIndex = from;
  return global.test(text) ? global.lastIndex : -1;
}

function endOfLoneClosing(text: string): number {
  if (!ANY_CLOSING.test(text)) return 0;
  let fence: string | null = null;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    // No mark and no fence is longer.
    const line = end - start <= 200 ? text.slice(start, end).replace(/\r$/, '') : text.slice(start, start + 200);
    const marker = FENCE.exec(line)?.[1] ?? null;
    if (fence === null && end - start <= 200 && LONE_CLOSING.test(line)) return end;
    if (marker !== null) fence = nextFence(fence, marker, line);
    start = end + 1;
  }
  return 0;
}

/** A fence ends with one of its own kind that is as long and has nothing behind it. */
function nextFence(open: string | null, marker: string, line: string): string | null {
  if (open === null) return marker;
  return marker.startsWith(open) && line.trim() === marker ? null : open;
}

const HARMONY_MARK = /<\|(start|end|return|call|channel|message|constrain)\|>/g;
const HARMONY_BEGIN =
  /<\|(?:start\|>[^<]{0,64}<\|)?channel\|>\s*(?:analysis|commentary|final)\b[^<]{0,64}(?:<\|constrain\|>[^<]{0,64})?<\|message\|>/iy;

/**
 * The channel `final` of an answer in OpenAI's harmony format; null for an answer that is not in it. Where a server has
 * dropped the marks and left their names, as some of one's own do, what is behind `assistantfinal`.
 */
function harmonyAnswer(text: string, isOwnServer: boolean): string | null {
  const start = visibleFrom(text, 0);
  if (matchesAt(HARMONY_BEGIN, text, start)) return finalChannel(text, start);
  if (!isOwnServer || !/^analysis[^\s.,:;!?)\]-]/.test(text.slice(start, start + 10))) return null;
  const final = text.indexOf('assistantfinal', start);
  return final < 0 ? null : afterMark(text, final + 'assistantfinal'.length);
}

const CHANNEL = /^\s*(?:analysis|commentary|final)\b/i;

interface HarmonyMark {
  readonly name: string;
  readonly at: number;
  readonly end: number;
}

/** The bodies of the channel `final`; without one what stands behind an end and has no channel. */
function finalChannel(text: string, start: number): string {
  const marks = [...text.slice(start).matchAll(HARMONY_MARK)].map(({ 0: whole, 1: name = '', index }) => ({
    name,
    at: start + index,
    end: start + index + whole.length,
  }));
  const bodies: Record<'final' | 'none', string[]> = { final: [], none: [] };
  let channel = '';
  let from = start;
  let previous = '';
  for (let i = 0; i <= marks.length; i += 1) {
    const mark = marks[i] ?? { name: 'end', at: text.length, end: text.length };
    // An answer can be about the marks.
    if (previous === 'message' && channel === 'final' && !endsBody(text, mark, marks[i + 1])) continue;

    const piece = text.slice(from, mark.at);
    if (previous === 'channel') channel = piece.trim().split(/\s/)[0]?.toLowerCase() ?? '';
    else if (previous === 'message' && channel === 'final') bodies.final.push(piece);
    else if (previous === 'end' || previous === 'return') bodies.none.push(piece);
    previous = mark.name;
    from = mark.end;
  }
  return afterMark((bodies.final.length > 0 ? bodies.final : bodies.none).join(''), 0);
}

/** Only where another message begins right there, or nothing more comes. */
function endsBody(text: string, { name, end }: HarmonyMark, next: HarmonyMark | undefined): boolean {
  const between = text.slice(end, next?.at);
  switch (name) {
    case 'start':
      return next?.name === 'channel' && /^\w{0,20}$/.test(between);
    case 'channel':
      return (next?.name === 'message' || next?.name === 'constrain') && CHANNEL.test(between);
    case 'end':
    case 'return':
    case 'call':
      return (next === undefined || next.name === 'start' || next.name === 'channel') && between.trim() === '';
    default:
      return false;
  }
}
