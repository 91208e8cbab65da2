import { visibleFrom } from './storable-text.js';

/*
 * Answers in OpenAI's harmony format, of which a server left the marks, or their names. Linear in the text.
 */

const MARK = /<\|(start|end|return|call|channel|message|constrain)\|>/g;
const BEGINS_WITH_A_MARK =
  /(?:<\|start\|>[^<]{0,64}|assistant)?<\|channel\|>\s*(?:analysis|commentary|final)\b[^<]{0,64}(?:<\|constrain\|>[^<]{0,64})?<\|message\|>|<\|start\|>\s*assistant\s*<\|message\|>/iy;
/** The marks before it were dropped. */
const BEGINS_WITH_A_NAME =
  /(?:analysis|commentary|final)(?: +to=[\w.]{1,64})?(?:\s*<\|constrain\|>[^<]{0,64})?<\|message\|>/iy;

const FINAL = 'assistantfinal';
/** Only names are left of `<|channel|>analysis<|message|>`. */
const NAME_AND_MORE = /(?:assistant)?analysis[^\s.,:;!?)\]-]/y;
/** The same where nothing else tells it: a sentence begins right there, and no name of a variable does. */
const NAME_AND_SENTENCE = /(?:assistant)?analysis\p{Lu}[\p{Ll}\p{M}'’]*(?:[\s,]+(?![\s,=({[:])|[.!?]?$)/uy;

/**
 * The channel `final` of an answer in harmony's format, which is empty if the model only thought; null for an answer that is
 * not in it. With `hasLostMarks`, for servers that drop the marks and leave their names, also what is behind `assistantfinal`.
 */
export function harmonyAnswer(text: string, { hasLostMarks }: { readonly hasLostMarks: boolean }): string | null {
  const start = visibleFrom(text, 0);
  if (matchesAt(BEGINS_WITH_A_MARK, text, start) || matchesAt(BEGINS_WITH_A_NAME, text, start))
    return finalChannel(text, start);
  if (!hasLostMarks || !matchesAt(NAME_AND_MORE, text, start)) return null;
  const final = text.indexOf(FINAL, start);
  if (final >= 0) return text.slice(final + FINAL.length);
  return matchesAt(NAME_AND_SENTENCE, text, start) ? '' : null;
}

function matchesAt(sticky: RegExp, text: string, at: number): boolean {
  sticky.lastIndex = at;
  return sticky.test(text);
}

const CHANNEL = /^\s*(?:analysis|commentary|final)\b/i;

interface HarmonyMark {
  readonly name: string;
  readonly at: number;
  readonly end: number;
}

/** The bodies of the channel `final`; without one what has no channel. */
function finalChannel(text: string, start: number): string {
  const marks = [...text.slice(start).matchAll(MARK)].map(({ 0: whole, 1: name = '', index }) => ({
    name,
    at: start + index,
    end: start + index + whole.length,
  }));
  const bodies: Record<'final' | 'none', string[]> = { final: [], none: [] };
  let channel = '';
  let from = start;
  let previous = matchesAt(BEGINS_WITH_A_NAME, text, start) ? 'channel' : '';
  for (let i = 0; i <= marks.length; i += 1) {
    const mark = marks[i] ?? { name: 'end', at: text.length, end: text.length };
    // An answer can be about the marks.
    if (previous === 'message' && channel === 'final' && !endsBody(text, mark, marks[i + 1])) continue;

    const piece = text.slice(from, mark.at);
    if (previous === 'channel') channel = piece.trim().split(/\s/)[0]?.toLowerCase() ?? '';
    else if (previous === 'start') channel = /^\s*assistant\s*$/i.test(piece) ? '' : 'none';
    else if (previous === 'message' && channel === 'final') bodies.final.push(piece);
    else if (hasNoChannel(previous, channel) && mark.name !== 'channel') bodies.none.push(piece);
    previous = mark.name;
    from = mark.end;
  }
  return (bodies.final.length > 0 ? bodies.final : bodies.none).join('');
}

/** What stands behind an end, and the body of a message without a channel. (Before a channel it is the name of a role.) */
function hasNoChannel(previous: string, channel: string): boolean {
  return previous === 'end' || previous === 'return' || (previous === 'message' && channel === '');
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
