import { assertNever } from '@edgechat/kernel';
import { foldText } from './fold.js';
import { stepsOf, type Wanted } from './matcher.js';
import { PLACES_CUT, termsOfUnspaced } from './terms.js';
import { runsOf, type Run } from './words.js';

/** Words and stretches of unspaced text that follow each other in a text, whatever signs are between them; mostly one. A stretch is in one piece, anywhere in a longer one. */
export type Pattern = readonly Pick<Run, 'text' | 'isUnspaced'>[];

/** What is looked for. All folded, none empty. */
export interface SearchQuery {
  /** All of it must be in a text. */
  readonly required: readonly Pattern[];
  /** The last word, which must be there, too; as a whole word, or, in the second phase, as the beginning of one. */
  readonly last: string | null;
  /** Nothing of it may be in a text. */
  readonly excluded: readonly Pattern[];
  /** True when the last word also matches as a beginning: when it is of a language with spaces. */
  readonly hasBeginning: boolean;
}

/** Matches every text. */
export const EVERYTHING: SearchQuery = { required: [], last: null, excluded: [], hasBeginning: false };

export type ParsedQuery = { kind: 'query'; query: SearchQuery } | { kind: 'without_words' } | { kind: 'too_complex' };

/**
 * Whole words are looked for first, over everything, then words that begin with the last one. A query whose `hasBeginning` is false has only the first phase. `either`: both at once, in the order of
 * time.
 */
export const PHASES = ['whole', 'beginning', 'either'] as const;
export type Phase = (typeof PHASES)[number];

/** Each of them may hold hundreds of terms. Words are bounded by the length of a query. */
const MAX_STRETCHES = 8;
/** Words and unspaced characters. Only characters that are spelled out with dozens of others can make a short query longer. */
const MAX_STEPS = 512;

/**
 * What somebody typed: words, `"exact phrases"` and `-words` to leave out. Signs part words; none of them means anything but these.
 * @returns `without_words` when nothing is left to look for, or only something to leave out; `too_complex` with more than 8 stretches of unspaced scripts
 */
export function parseQuery(typed: string): ParsedQuery {
  const { loose, phrases, excluded } = readTyped(typed);
  const last = loose.at(-1);
  const lastWord = last && !last.isUnspaced ? last.text : null;
  const others = lastWord === null ? loose : loose.slice(0, -1);
  const required = unique([...others.map((run) => [run]), ...phrases]);
  if (required.length === 0 && lastWord === null) return { kind: 'without_words' };

  const all = [...required, ...excluded].flat();
  const stretches = [...loose, ...phrases.flat(), ...excluded.flat()].filter(({ isUnspaced }) => isUnspaced);
  const steps = all.reduce((sum, run) => sum + stepsOf(run), 0);
  if (stretches.length > MAX_STRETCHES || steps > MAX_STEPS) return { kind: 'too_complex' };

  // A word that has to be there anyway need not begin another.
  const isNew = !required.some((pattern) => pattern.some((run) => !run.isUnspaced && run.text === lastWord));
  const hasBeginning = lastWord !== null && isNew;
  return {
    kind: 'query',
    query: { required, last: hasBeginning ? lastWord : null, excluded: unique(excluded), hasBeginning },
  };
}

/** What a text must hold in a phase. */
export function wantedOf({ required, last, excluded }: SearchQuery, phase: Phase): Wanted {
  if (last === null) return { required, beginning: null, excluded };
  const whole = [{ text: last, isUnspaced: false }];
  switch (phase) {
    case 'whole':
      return { required: [...required, whole], beginning: null, excluded };
    case 'beginning':
      return { required, beginning: last, excluded: [...excluded, whole] };
    case 'either':
      return { required, beginning: last, excluded };
    default:
      return assertNever(phase);
  }
}

/**
 * A word to leave out, up to the next blank: only at the beginning or after a blank, before a letter. Or a phrase: in straight quotes, or in “…”, „…“ and „…”, which keyboards type by themselves. A
 * quote right behind a letter or digit opens none (12", 14"), nor does one that is not closed.
 */
const TOKEN =
  /(?<!\S)-(?<excluded>\p{L}\S*)|(?<![\p{L}\p{N}\p{M}])(?:["＂](?<straight>[^"＂]*)["＂]|“(?<english>[^”]*)”|„(?<german>[^“”]*)[“”])/gu;

interface Typed {
  readonly loose: readonly Run[];
  readonly phrases: readonly Pattern[];
  readonly excluded: readonly Pattern[];
}

function readTyped(typed: string): Typed {
  const [loose, phrases, excluded]: [Run[], Pattern[], Pattern[]] = [[], [], []];
  let readTo = 0;
  for (const match of typed.matchAll(TOKEN)) {
    loose.push(...runsOf(foldText(typed.slice(readTo, match.index))));
    readTo = match.index + match[0].length;
    const { excluded: left, straight, english, german } = match.groups ?? {};
    const pattern = runsOf(foldText(left ?? straight ?? english ?? german ?? ''));
    if (pattern.length > 0) (left === undefined ? phrases : excluded).push(pattern);
  }
  loose.push(...runsOf(foldText(typed.slice(readTo))));
  return { loose, phrases, excluded };
}

function unique(patterns: readonly Pattern[]): Pattern[] {
  const plain = patterns.map((pattern) => pattern.map(({ text, isUnspaced }) => ({ text, isUnspaced })));
  return [...new Map(plain.map((pattern) => [pattern.map(({ text }) => text).join(' '), pattern])).values()];
}

/** Where a term's prefix goes in `TsQueries`. A sign, so that no word holds it. */
const PREFIX = '#';
/** Each term that the index is asked for costs a descent in every conversation: the longest, which are the rarest, do. */
const MAX_PROBED = 8;
const MAX_RANKED = 8;
/** Of a long stretch or phrase so many terms are looked for side by side; the text itself has the last word. */
const MAX_OF_PATTERN = 8;

/** The texts of three tsqueries; each `#` stands for the prefix of a conversation's block. */
export interface TsQueries {
  /** What the index is asked for. Holds for every message that is looked for, and maybe for others. */
  readonly probe: string;
  /** What besides must hold for a row of it. Null when nothing must. */
  readonly whole: string | null;
  /** How close the words are in a message. */
  readonly ranking: string;
  /** The whole last word, where it need not be there: what has it comes first. Null elsewhere. */
  readonly first: string | null;
}

/** One phase of a search as PostgreSQL is asked for it. Nothing of the text can be syntax: a word holds neither quote nor backslash. */
export function tsQueriesOf(query: SearchQuery, phase: Phase): TsQueries {
  const { required, beginning, excluded } = wantedOf(query, phase);
  const words = required.flatMap((pattern) => (isWord(pattern) ? sampleOf(pattern) : []));
  const ofWords = [...words.map(({ term }) => term), ...(beginning === null ? [] : [termOf(beginning, true)])];
  const sampled = required.filter((pattern) => !isWord(pattern)).map(sampleOf);
  const terms = [...new Set([...ofWords, ...sampled.flatMap((sample) => sample.map(({ term }) => term))])];
  const ends = sampled.flatMap((sample) => [sample[0], ...sample.slice(1).slice(-1)].flatMap((one) => one?.term ?? []));
  const probed = longest(terms, MAX_PROBED);
  const rest = terms.length > probed.length ? terms : [];
  const inARow = sampled.filter((sample) => sample.length > 1).map(inARowOf);
  return {
    probe: probed.join(' & '),
    whole: [...rest, ...inARow, ...excluded.flatMap(negationOf)].join(' & ') || null,
    ranking: longest([...ofWords, ...ends], MAX_RANKED).join(' & '),
    first: phase === 'either' && query.last !== null ? termOf(query.last) : null,
  };
}

const isWord = ([run, ...more]: Pattern): boolean => more.length === 0 && run?.isUnspaced === false;
const termOf = (term: string, isPrefix = false): string => `'${PREFIX}${term}'${isPrefix ? ':*' : ''}`;
const longest = (terms: readonly string[], max: number): string[] =>
  [...new Set(terms)].toSorted((a, b) => b.length - a.length).slice(0, max);

interface Sampled {
  readonly term: string;
  /** Words and unspaced characters from the beginning of the pattern. */
  readonly at: number;
}

/** Terms that together hold a pattern, or of a long one are spread over it, first and last among them. */
function sampleOf(pattern: Pattern): Sampled[] {
  const sample: Sampled[] = [];
  let at = 0;
  for (const run of pattern) {
    for (const one of run.isUnspaced ? sampleOfStretch(run.text) : [{ term: termOf(run.text), at: 0 }])
      sample.push({ term: one.term, at: at + one.at });
    at += stepsOf(run);
  }
  return spread(sample, MAX_OF_PATTERN);
}

function sampleOfStretch(stretch: string): Sampled[] {
  const pairs = termsOfUnspaced(stretch).slice(0, -1);
  if (pairs.length === 0) return [{ term: termOf(stretch, true), at: 0 }];
  // Every second one holds them all, and the last.
  return spread(
    pairs.map((pair, at) => ({ term: termOf(pair), at })),
    Math.floor(pairs.length / 2) + 1,
  );
}

/** At most so many, and at most 8, evenly from the first to the last. */
function spread(sample: readonly Sampled[], max: number): Sampled[] {
  const count = Math.min(max, MAX_OF_PATTERN, sample.length);
  const step = count > 1 ? (sample.length - 1) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => sample[Math.round(i * step)]).flatMap((one) => one ?? []);
}

/** That the terms stand at their distances; of a message whose places are cut, only that it has them. */
function inARowOf(sample: readonly Sampled[]): string {
  const inARow = sample
    .map(({ term, at }, i) => (i === 0 ? term : `<${at - (sample[i - 1]?.at ?? 0)}> ${term}`))
    .join(' ');
  return `(${inARow} | ${termOf(PLACES_CUT)} & ${[...new Set(sample.map(({ term }) => term))].join(' & ')})`;
}

/** That something is not there, where the index can tell: a word, or unspaced text of one or two characters. Of all else the text has the last word. */
function negationOf(pattern: Pattern): string[] {
  const [run] = pattern;
  if (run === undefined || pattern.length > 1) return [];
  if (!run.isUnspaced) return [`!${termOf(run.text)}`];
  const [pair, ...more] = termsOfUnspaced(run.text);
  return pair === undefined || more.length > 1 ? [] : [`!${termOf(pair, more.length === 0)}`];
}
