import type { AnswerFailedCode } from '../ports/language-model.js';

/**
 * What went wrong with one call. `refused`: an answer with an error status; `unreachable`: no answer at all; `cut`: it broke
 * off; `malformed`: not what the wire format promises; `too_large`; `empty`: no text; `unexpected`: none of these.
 */
export type FaultKind = 'refused' | 'unreachable' | 'cut' | 'malformed' | 'too_large' | 'empty' | 'unexpected';

/** What of the installation the provider refuses: for the operator, and nobody else. `url`: nothing is asked at this address. */
export type Misconfiguration = 'key' | 'credit' | 'model' | 'region' | 'url';

/** Tokens that the provider bills for a call that gave no answer. */
export interface BilledUse {
  readonly tokensIn: number;
  readonly tokensOut: number;
}

interface FaultDetails {
  readonly status?: number;
  readonly code?: AnswerFailedCode;
  readonly retryAfterMs?: number | null;
  readonly mayRetry?: boolean | null;
  readonly isUnexplained?: boolean;
  readonly use?: BilledUse | null;
  readonly misconfiguration?: Misconfiguration | null;
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
  /** How long the provider says to wait before it is asked again; null where it says nothing. */
  readonly retryAfterMs: number | null;
  /** Whether the provider says that the same call may be made again (`x-should-retry`); null where it says nothing. */
  readonly mayRetry: boolean | null;
  /** A 400 of which nothing says what it is about. */
  readonly isUnexplained: boolean;
  readonly use: BilledUse | null;
  /** What the operator is to mend, where `code` is `ai_misconfigured`. */
  readonly misconfiguration: Misconfiguration | null;
  /** A short word of the provider's, or a system's. */
  readonly reason: string | null;

  constructor(
    readonly kind: FaultKind,
    details: FaultDetails = {},
  ) {
    super(sentence(kind, details));
    this.name = 'ProviderFault';
    this.status = details.status ?? null;
    this.code = details.code ?? 'ai_failed';
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.mayRetry = details.mayRetry ?? null;
    this.isUnexplained = details.isUnexplained ?? false;
    this.use = details.use ?? null;
    this.misconfiguration = details.misconfiguration ?? null;
    this.reason = details.reason ?? null;
  }
}

function sentence(kind: FaultKind, { status, reason }: FaultDetails): string {
  const what = `AI provider: ${kind}${status === undefined ? '' : ` ${status}`}`;
  return reason === undefined ? what : `${what} (${reason})`;
}
