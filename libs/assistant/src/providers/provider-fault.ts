/**
 * What went wrong with one call. `refused`: an answer with an error status; `unreachable`: no answer at all; `cut`: it broke
 * off; `malformed`: not what the wire format promises; `too_large`; `empty`: no text; `unexpected`: none of these.
 */
export type FaultKind = 'refused' | 'unreachable' | 'cut' | 'malformed' | 'too_large' | 'empty' | 'unexpected';

interface FaultDetails {
  readonly status?: number;
  readonly retryAfterS?: number;
  /** A short word of the provider's, such as `model_not_found`, or a system's, such as `ECONNREFUSED`. */
  readonly reason?: string | undefined;
}

/**
 * One failed call, made of what is safe to log only: the SDK's own errors carry the conversation, the address and what the
 * provider wrote (which repeats parts of keys), so none of them goes further than this.
 */
export class ProviderFault extends Error {
  readonly status: number | null;
  readonly retryAfterS: number | null;

  constructor(
    readonly kind: FaultKind,
    details: FaultDetails = {},
  ) {
    super(sentence(kind, details));
    this.name = 'ProviderFault';
    this.status = details.status ?? null;
    this.retryAfterS = details.retryAfterS ?? null;
  }
}

function sentence(kind: FaultKind, { status, reason }: FaultDetails): string {
  const what = `AI provider: ${kind}${status === undefined ? '' : ` ${status}`}`;
  return reason === undefined ? what : `${what} (${reason})`;
}
