import type { ErrorCode } from './error-codes.js';

export * from './error-codes.js';

/** What one wrong field of a request is: `field` is a JSON pointer (RFC 6901) into the body, or the name of a query parameter or header after `/`. */
export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly detail: string;
}

interface ProblemOptions {
  /** Whole seconds for `Retry-After`. */
  readonly retryAfterS?: number;
  /** The call, such as `POST /ai/complete`: needed where the code has a status of its own there. */
  readonly call?: string;
  readonly errors?: readonly FieldError[];
  /** Members added to the problem document, such as the kept `user_message`. Never secrets. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** The caller's fault, or what is not worth a repeat now: answered with the status of `code`, never retried. `detail` says what happened and what to do. */
export class Refusal extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    readonly options: ProblemOptions = {},
  ) {
    super(`${code}: ${detail}`);
    this.name = 'Refusal';
  }
}

export type Dependency = 'postgres' | 'mongo' | 'redis' | 'assistant' | 'hashing' | 'sending' | 'receiving';

interface UnavailableOptions extends ProblemOptions {
  readonly code?: ErrorCode;
  readonly detail?: string;
  readonly cause?: unknown;
}

/** A dependency failed or is too slow: 503 with `Retry-After` (1 s unless told), and worth retrying. */
export class Unavailable extends Error {
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(
    readonly dependency: Dependency,
    readonly options: UnavailableOptions = {},
  ) {
    super(`unavailable: ${dependency}`, { cause: options.cause });
    this.name = 'Unavailable';
    this.code = options.code ?? 'service_unavailable';
    this.detail = options.detail ?? 'The service is busy or a part of it is down. Try again shortly.';
  }
}

/** Ends a `switch` over a union: a new member of the union does not compile until it is handled. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${String(value)}`);
}
