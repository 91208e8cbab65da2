import { REFUSALS } from './provider-refusals.js';
import type { RefusalName } from './provider-refusals.js';

/**
 * What the provider server does with one request, after `delayMs`.
 * - `answer`: a good answer; `text` is `echo: <question>` unless given, `reasoning` is kept apart from it as the format has
 *   it, `finish` says why it ended, `hasUsage` false leaves the token counts out
 * - `fail`: an error with `status`; with `retryAfter` that header
 * - `refuse`: `refusal` as the provider of the format says it, which may be with status 200
 * - `hang`: nothing, ever; `drop`: the connection is destroyed before a byte of the answer
 * - `cut`: headers and half of a good answer, then the connection is destroyed
 * - `malformed`: half of a good answer, as if it were whole
 * - `redirect`: 307 to the same address; `huge`: a good answer of 5 MiB
 * - `raw`: `status` (200), `headers` and `body` as they are given; a body that is no text is sent as JSON
 */
export interface Behaviour {
  readonly kind: 'answer' | 'fail' | 'hang' | 'drop' | 'cut' | 'malformed' | 'redirect' | 'huge' | 'raw' | 'refuse';
  readonly delayMs?: number;
  readonly status?: number;
  readonly retryAfter?: string;
  readonly text?: string;
  readonly reasoning?: string;
  readonly finish?: 'stop' | 'length' | 'content';
  readonly refusal?: RefusalName;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly hasUsage?: boolean;
  /** Only so many requests with this question behave so; then they get a good answer. */
  readonly times?: number;
}

const MARK =
  /\[\[(fail|quota|slow|hang|drop|cut|malformed|empty|redirect|huge|nousage|refuse|length|filtered)(?: (\d+|[a-z_]+))?(?: x(\d+))?\]\]/g;

/**
 * What a question asks for by the marks in it, so that tests that share a server do not disturb each other:
 * `[[fail 500]]`, `[[quota 7]]` (429 with `Retry-After: 7`; without a number no such header), `[[slow 800]]` (ms, goes with
 * any other), `[[hang]]`, `[[drop]]`, `[[cut]]`, `[[malformed]]`, `[[empty]]`, `[[redirect]]`, `[[huge]]`, `[[nousage]]`,
 * `[[length]]` and `[[filtered]]` (why a good answer ended), `[[refuse content]]` (see `REFUSALS`).
 * `x2` before the brackets close, as in `[[fail 500 x2]]`: the first two requests with this question only.
 */
export function behaviourAskedFor(question: string): Behaviour {
  let behaviour: Behaviour = { kind: 'answer' };
  for (const [, mark = '', argument, times] of question.matchAll(MARK)) {
    behaviour = { ...behaviour, ...markMeaning(mark, argument), ...(times !== undefined && { times: Number(times) }) };
  }
  return behaviour;
}

function markMeaning(mark: string, argument: string | undefined): Partial<Behaviour> {
  switch (mark) {
    case 'fail':
      return { kind: 'fail', status: Number(argument ?? 500) };
    case 'quota':
      return { kind: 'fail', status: 429, ...(argument !== undefined && { retryAfter: argument }) };
    case 'slow':
      return { delayMs: Number(argument ?? 1_000) };
    case 'empty':
      return { kind: 'answer', text: '' };
    case 'nousage':
      return { hasUsage: false };
    case 'length':
      return { finish: 'length' };
    case 'filtered':
      return { finish: 'content' };
    case 'refuse':
      return { kind: 'refuse', refusal: REFUSALS.find((name) => name === argument) ?? 'content' };
    case 'hang':
    case 'drop':
    case 'cut':
    case 'malformed':
    case 'redirect':
    case 'huge':
      return { kind: mark };
    default:
      return {};
  }
}
