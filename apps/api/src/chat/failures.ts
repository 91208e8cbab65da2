import { FAILURE_CODES, type FailureCode } from '@edgechat/assistant';
import { errorRow, Refusal, Unavailable } from '@edgechat/kernel';

/** What a failed answer is to people. */
interface Failure {
  /** What happened and what to do, in one sentence for whoever reads the question. Nobody is told to ask again where that changes nothing. */
  readonly detail: string;
  /** What the problem document of who waited says besides. */
  readonly more?: string;
  /** All that it says, where the first contract has words for it. */
  readonly problem?: string;
  /** When to come back, in seconds, where the provider named no time; null where a repeat gives the same. */
  readonly retryAfterS: number | null;
}

const REPEAT = 'A repeat of the request asks anew, with the same client key if it is a send.';
const SAME = 'A repeat of the request gives the same.';

const FAILURES: Readonly<Record<FailureCode, Failure>> = {
  ai_not_configured: {
    detail: 'The operator of this server has set no AI provider.',
    problem: 'AI service not configured',
    retryAfterS: 60,
  },
  ai_failed: { detail: 'The AI failed on this message: ask again.', more: REPEAT, retryAfterS: 5 },
  ai_timed_out: { detail: 'The AI did not answer in time: ask again.', more: REPEAT, retryAfterS: 5 },
  ai_overloaded: { detail: 'The AI provider is overloaded: ask again later.', more: REPEAT, retryAfterS: 5 },
  ai_quota_exceeded: {
    detail: "The AI provider's quota is used up for now: ask again later.",
    more: REPEAT,
    retryAfterS: 60,
  },
  budget_exhausted: {
    detail: 'The account that asked has used up its AI tokens: ask again later.',
    more: REPEAT,
    retryAfterS: 60,
  },
  ai_misconfigured: {
    detail: 'The AI provider refuses this server: tell its operator, whose log says why.',
    retryAfterS: 300,
  },
  ai_refused: {
    detail: 'The AI provider refuses to answer this text for its content: send another one.',
    more: SAME,
    retryAfterS: null,
  },
  ai_input_too_long: {
    detail: 'This text alone is longer than the AI model takes: send a shorter one.',
    more: SAME,
    retryAfterS: null,
  },
};

/** A failed answer as it is stored. */
export interface FailedAnswer {
  /** One that this release does not know is taken for `ai_failed`: a later one may run beside it. */
  readonly code: string;
  readonly retryAfterS: number | null;
}

interface ProblemOptions {
  /** The call, as the table of errors names it. */
  readonly call: string;
  /** Go into the problem document. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** A failed answer as clients read it on the question's reply: the code, what happened, and after how many seconds the provider may answer, null where it named no time. */
export function describeFailure({ code, retryAfterS }: FailedAnswer): {
  code: FailureCode;
  detail: string;
  retry_after_s: number | null;
} {
  const known = knownCode(code);
  return { code: known, detail: FAILURES[known].detail, retry_after_s: retryAfterS };
}

/** A failed answer as the problem that the call of who waits for it ends with. */
export function failure(
  { code, retryAfterS }: FailedAnswer,
  { call, members = {} }: ProblemOptions,
): Refusal | Unavailable {
  const known = knownCode(code);
  const { detail, more = '', problem, retryAfterS: usual } = FAILURES[known];
  const said = problem ?? `${detail} ${more}`.trimEnd();
  if (usual === null) return new Refusal(known, said, { call, members });
  const options = { call, members, retryAfterS: retryAfterS ?? usual };
  return errorRow(known).status === 503
    ? new Unavailable('assistant', { ...options, code: known, detail: said })
    : new Refusal(known, said, options);
}

const knownCode = (code: string): FailureCode => FAILURE_CODES.find((known) => known === code) ?? 'ai_failed';
