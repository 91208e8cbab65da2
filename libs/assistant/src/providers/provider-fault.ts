import type { AnswerFailedCode } from '../ports/language-model.js';
import type { Misconfiguration } from './refusal-table.js';
import type { ReportedUsage } from './reported-usage.js';

export type { Misconfiguration };

/**
 * What went wrong with one call. `refused`: an answer with an error status, or one that says that it is an error;
 * `unreachable`: no answer at all; `cut`: it broke off; `malformed`: no JSON, so perhaps broken off; `too_large`; `empty`:
 * a whole answer without a text; `unexpected`: none of these.
 */
export type FaultKind = 'refused' | 'unreachable' | 'cut' | 'malformed' | 'too_large' | 'empty' | 'unexpected';

/** Tokens that the provider bills for a call that gave no answer. */
export interface BilledUse {
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** What is known of the cost of such a call where it fails: what the provider says, and what is counted of what came. */
export interface Spent {
  readonly reported: ReportedUsage;
  readonly countedOut: number;
}

export interface FaultDetails {
  readonly status?: number | undefined;
  readonly code?: AnswerFailedCode;
  readonly misconfiguration?: Misconfiguration | null;
  readonly retryAfterMs?: number | null;
  readonly mayRetry?: boolean | null;
  readonly isUnexplained?: boolean;
  readonly mayBeForm?: boolean;
  readonly mayBeHistory?: boolean;
  readonly spent?: Spent | null;
  readonly use?: BilledUse | null;
  /** A short word of the provider's, such as `model_not_found`, or a system's, such as `ECONNREFUSED`. */
  readonly reason?: string | undefined;
}

/**
 * One failed call, made of what is safe to log only: the SDK's own errors carry the conversation, the address and what the
 * provider wrote (which repeats parts of keys), so none of them goes further than this.
 */
export class ProviderFault extends Error {
  readonly status: number | null;
  /** What it is for those who asked. */
  readonly code: AnswerFailedCode;
  /** With `ai_misconfigured`: which of the operator's settings the provider refuses. For the log only. */
  readonly misconfiguration: Misconfiguration | null;
  /** The provider's or the system's word for it, safe to log; null where there is none. */
  readonly reason: string | null;
  /** How long the provider says to wait before it is asked again, 0 to an hour; null where it says nothing. */
  readonly retryAfterMs: number | null;
  /** Whether the provider says that the same call may be made again (`x-should-retry`); null where it says nothing. */
  readonly mayRetry: boolean | null;
  /** The provider refuses the request, and nothing says what of it: perhaps its form, such as the role `system`. */
  readonly isUnexplained: boolean;
  /** The form of the request may be the reason all the same, such as the role `system`: what the provider says may be a person's words that it repeats. */
  readonly mayBeForm: boolean;
  /** What stands before the question may be the reason: nothing that only the provider can have said names another. */
  readonly mayBeHistory: boolean;
  /** What `use` is made of once the prompt is known. */
  readonly spent: Spent | null;
  /** Null where nothing is billed: the provider refused, or was not reached. */
  readonly use: BilledUse | null;
  readonly #details: FaultDetails;

  constructor(
    readonly kind: FaultKind,
    details: FaultDetails = {},
  ) {
    super(sentence(kind, details));
    this.name = 'ProviderFault';
    this.#details = details;
    this.status = details.status ?? null;
    this.code = details.code ?? 'ai_failed';
    this.misconfiguration = details.misconfiguration ?? null;
    this.reason = details.reason ?? null;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.mayRetry = details.mayRetry ?? null;
    this.isUnexplained = details.isUnexplained ?? false;
    this.mayBeForm = details.mayBeForm ?? this.isUnexplained;
    this.mayBeHistory = details.mayBeHistory ?? this.isUnexplained;
    this.spent = details.spent ?? null;
    this.use = details.use ?? null;
  }

  /** The same fault, with what it is billed. */
  withUse(use: BilledUse): ProviderFault {
    return new ProviderFault(this.kind, { ...this.#details, use });
  }
}

function sentence(kind: FaultKind, { status, reason }: FaultDetails): string {
  const what = `AI provider: ${kind}${status === undefined ? '' : ` ${status}`}`;
  return reason === undefined ? what : `${what} (${reason})`;
}
