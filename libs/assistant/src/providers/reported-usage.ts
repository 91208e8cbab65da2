import type { BilledUse } from './provider-fault.js';
import { firstMember, member } from './unknown-json.js';

/** The largest `integer` of PostgreSQL, where counts of tokens are kept. */
const MAX_TOKENS = 2 ** 31 - 1;

/** What a provider says a call cost, in tokens; null where it says nothing, or what is no count. `total` is of both. */
export interface ReportedUsage {
  readonly tokensIn: number | null;
  readonly tokensOut: number | null;
  readonly total: number | null;
}

export const NO_USAGE: ReportedUsage = { tokensIn: null, tokensOut: null, total: null };

/** What is counted here of what went out and came back. */
export interface CountedUse {
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/**
 * The usage in a body, by the names of all formats: proxies answer in one format with the names of another. What was read
 * from or written to a cache is a part of what went in; thought is a part of what came out.
 */
export function usageIn(body: unknown): ReportedUsage {
  const usage =
    firstMember(body, 'usage', 'usageMetadata', 'usage_metadata') ?? member(member(body, 'x_groq'), 'usage') ?? body;
  const prompt = countIn(usage, 'prompt_tokens', 'promptTokenCount', 'prompt_eval_count');
  return {
    tokensIn: sum(prompt ?? inputTokens(usage), countIn(usage, 'toolUsePromptTokenCount')),
    tokensOut: sum(
      countIn(usage, 'completion_tokens', 'output_tokens', 'candidatesTokenCount', 'eval_count'),
      countIn(usage, 'thoughtsTokenCount'),
    ),
    total: countIn(usage, 'total_tokens', 'totalTokenCount'),
  };
}

/** Of parts of one answer the newest counts hold. */
export function laterUsage(before: ReportedUsage, later: ReportedUsage): ReportedUsage {
  return {
    tokensIn: later.tokensIn || before.tokensIn,
    tokensOut: later.tokensOut || before.tokensOut,
    total: later.total || before.total,
  };
}

/**
 * What a call is charged: as reported, else as counted. A count of 0 says nothing where something was counted: servers write
 * 0 for what they do not count. Where the total is more than both, thought was left out of what came out; where only the
 * total is known it is divided, so that the sum is as reported.
 */
export function usedTokens({ tokensIn, tokensOut, total }: ReportedUsage, counted: CountedUse): BilledUse {
  if (tokensIn && tokensOut) return { tokensIn, tokensOut: Math.max(tokensOut, (total ?? 0) - tokensIn) };
  if (!total) return { tokensIn: tokensIn || counted.tokensIn, tokensOut: tokensOut || counted.tokensOut };
  if (tokensIn) return { tokensIn, tokensOut: total > tokensIn ? total - tokensIn : counted.tokensOut };
  if (tokensOut) return { tokensIn: total > tokensOut ? total - tokensOut : counted.tokensIn, tokensOut };
  return divided(total, counted);
}

/** What is counted errs to the high side: where it leaves nothing for what came out, both get their share. */
function divided(total: number, counted: CountedUse): BilledUse {
  if (counted.tokensOut === 0) return { tokensIn: total, tokensOut: 0 };
  const share = counted.tokensIn / (counted.tokensIn + counted.tokensOut);
  const tokensIn = counted.tokensIn < total ? counted.tokensIn : Math.min(Math.floor(total * share), total - 1);
  return { tokensIn, tokensOut: total - tokensIn };
}

/** Anthropic's `input_tokens` are without those of its cache, OpenAI's `prompt_tokens` with them. */
function inputTokens(usage: unknown): number | null {
  const cache = sum(countIn(usage, 'cache_creation_input_tokens'), countIn(usage, 'cache_read_input_tokens'));
  return sum(countIn(usage, 'input_tokens'), cache);
}

function countIn(usage: unknown, ...names: readonly string[]): number | null {
  return countOf(firstMember(usage, ...names));
}

/** A number, or a text that is one, as a whole count; null for what is negative, not finite or more than can be kept. */
export function countOf(value: unknown): number | null {
  const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value));
  const count = isNumeric && Number(value) >= 0 ? Math.ceil(Number(value)) : NaN;
  return count >= 0 && count <= MAX_TOKENS ? count + 0 : null;
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a + b, MAX_TOKENS);
}
