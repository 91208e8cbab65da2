import { foldText, type Span } from './fold.js';
import { PLACES_CUT, termsOfUnspaced } from './terms.js';
import { runsOf } from './words.js';

/** What is looked for: all of it must be in a text. All folded, none empty. */
export interface SearchQuery {
  /** Whole words. */
  readonly words: readonly string[];
  /** What a word begins with: the last word asked for, if it is of a language with spaces. */
  readonly prefix: string | null;
  /** Stretches of unspaced scripts, found anywhere in one. */
  readonly parts: readonly string[];
}

/** The words of what somebody typed, or null when it has none. Signs part words; none of them means anything. */
export function parseQuery(typed: string): SearchQuery | null {
  const runs = [...runsOf(foldText(typed))];
  const last = runs.at(-1);
  if (!last) return null;
  const words = runs.slice(0, -1).filter(({ isUnspaced }) => !isUnspaced);
  const parts = runs.filter(({ isUnspaced }) => isUnspaced);
  return { words: textsOf(words), prefix: last.isUnspaced ? null : last.text, parts: textsOf(parts) };
}

const textsOf = (runs: readonly { readonly text: string }[]): string[] => [...new Set(runs.map(({ text }) => text))];

/** Where the words are in a folded text, ascending, none over another; null unless each is there. */
export function findWords(folded: string, query: SearchQuery): Span[] | null {
  const missing = new Set([...query.words, ...query.parts]);
  let lacksPrefix = query.prefix !== null;
  const words = new Set(query.words);
  const found: Span[] = [];
  for (const run of runsOf(folded)) {
    if (run.isUnspaced) {
      for (const part of query.parts) {
        const spans = occurrences(run.text, part, run.start);
        if (spans.length > 0) missing.delete(part);
        found.push(...spans);
      }
      continue;
    }
    const isPrefixed = query.prefix !== null && run.text.startsWith(query.prefix);
    if (isPrefixed) lacksPrefix = false;
    if (words.has(run.text)) missing.delete(run.text);
    if (isPrefixed || words.has(run.text)) found.push({ start: run.start, end: run.end });
  }
  return missing.size > 0 || lacksPrefix ? null : apart(found);
}

function occurrences(text: string, part: string, offset: number): Span[] {
  const spans: Span[] = [];
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
    // Those that overlap are one from the start.
    const last = spans.at(-1);
    const span = { start: offset + at, end: offset + at + part.length };
    if (last && last.end > span.start) spans[spans.length - 1] = { start: last.start, end: span.end };
    else spans.push(span);
  }
  return spans;
}

/** Spans in order, those that overlap made one. */
function apart(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && last.end > span.start)
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    else merged.push(span);
  }
  return merged;
}

/** Where a term's prefix goes in `TsQueries`. A sign, so that no word holds it. */
const PREFIX = '#';
/** Each term that the index is asked for costs a descent in every conversation: the longest, which are the rarest, do. */
const MAX_PROBED = 8;
const MAX_RANKED = 8;
/** Of a long stretch so many terms are looked for side by side; the text itself has the last word. */
const MAX_OF_PART = 8;

/** The texts of three tsqueries; each `#` stands for the prefix of a conversation's block. */
export interface TsQueries {
  /** What the index is asked for. Holds for every message that is looked for, and maybe for others. */
  readonly probe: string;
  /** What besides must hold for a row of it. Null when nothing must. */
  readonly whole: string | null;
  /** How close the words are in a message. */
  readonly ranking: string;
}

/** A search as PostgreSQL is asked for it. Nothing of the text can be syntax: a word holds neither quote nor backslash. */
export function tsQueriesOf({ words, prefix, parts }: SearchQuery): TsQueries {
  const sampled = parts.map(sampleOf);
  const ofWords = [...words.map((word) => termOf(word)), ...(prefix === null ? [] : [termOf(prefix, true)])];
  const terms = [...ofWords, ...sampled.flatMap((sample) => sample.map(({ term }) => term))];
  const ends = sampled.flatMap((sample) =>
    [sample[0], ...sample.slice(1).slice(-1)].flatMap((one) => (one ? [one.term] : [])),
  );
  const probed = longest(terms, MAX_PROBED);
  const phrases = sampled.filter((sample) => sample.length > 1).map(phraseOf);
  const rest = terms.length > probed.length ? terms : [];
  return {
    probe: probed.join(' & '),
    whole: [...rest, ...phrases].join(' & ') || null,
    ranking: longest([...ofWords, ...ends], MAX_RANKED).join(' & '),
  };
}

const termOf = (term: string, isPrefix = false): string => `'${PREFIX}${term}'${isPrefix ? ':*' : ''}`;
const longest = (terms: readonly string[], max: number): string[] =>
  [...new Set(terms)].toSorted((a, b) => b.length - a.length).slice(0, max);

interface Sampled {
  readonly term: string;
  /** Characters from the beginning of the part. */
  readonly at: number;
}

/** Terms that together hold a part, or of a long one are spread over it, first and last among them. */
function sampleOf(part: string): Sampled[] {
  const pairs = termsOfUnspaced(part).slice(0, -1);
  if (pairs.length === 0) return [{ term: termOf(part, true), at: 0 }];
  const last = pairs.length - 1;
  const count = Math.min(MAX_OF_PART, Math.floor(last / 2) + (last % 2) + 1);
  const places = Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * last) / (count - 1))));
  return places.map((at) => ({ term: termOf(pairs[at] ?? ''), at }));
}

/** That the terms stand at their distances; of a message whose places are cut, only that it has them. */
function phraseOf(sample: readonly Sampled[]): string {
  const inARow = sample
    .map(({ term, at }, i) => (i === 0 ? term : `<${at - (sample[i - 1]?.at ?? 0)}> ${term}`))
    .join(' ');
  return `(${inARow} | ${termOf(PLACES_CUT)} & ${[...new Set(sample.map(({ term }) => term))].join(' & ')})`;
}
