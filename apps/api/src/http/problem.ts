import { errorRow, Refusal, statusOf, type ErrorCode, type FieldError, type Unavailable } from '@edgechat/kernel';

/** The body of every error: RFC 9457, plus `code` and `request_id`. `detail` and `request_id` serve the clients of the first backend. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly request_id: string;
  readonly instance: string;
  readonly errors?: readonly FieldError[];
  readonly [member: string]: unknown;
}

/** Where an error happened: the path without its query, which may hold what a person typed, and the request's id. */
export interface Occurrence {
  readonly path: string;
  readonly requestId: string;
}

export const PROBLEM_TYPE = 'application/problem+json';

/** The problem document of an error that has a code. */
export function problemOf(error: Refusal | Unavailable, at: Occurrence): Problem {
  const { title } = errorRow(error.code);
  const { call, errors, members } = error.options;
  return {
    ...members,
    type: `/errors#${error.code}`,
    title,
    status: statusOf(error.code, call),
    detail: error.detail,
    code: error.code,
    request_id: at.requestId,
    instance: at.path,
    ...(errors === undefined ? {} : { errors }),
  };
}

/** True where an error of this code is answered with `Retry-After`: each 429 and 503, but for what a repeat does not change. */
export const hasRetryAfter = (code: ErrorCode, status: number): boolean =>
  (status === 429 || status === 503) && errorRow(code).isFinal !== true;

/** Headers that belong to an error: `Retry-After` in whole seconds where it has one (1 unless told), `WWW-Authenticate` on each 401. */
export function problemHeaders({ code, options }: Refusal | Unavailable): Record<string, string> {
  const status = statusOf(code, options.call);
  return {
    'content-type': PROBLEM_TYPE,
    'cache-control': 'no-store',
    ...(hasRetryAfter(code, status) ? { 'retry-after': String(Math.max(1, Math.ceil(options.retryAfterS ?? 1))) } : {}),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  };
}

/** Where nothing is, and where something is that is not for clients. */
export const routeNotFound = (): Refusal =>
  new Refusal(
    'route_not_found',
    'There is no such path. The documentation (/docs, unless it is switched off) names those there are.',
  );

/** The path of a request target, without its query: `/api/v1/search?q=secret` is `/api/v1/search`. Cut to 1,024 characters. */
export function pathOf(url: string | undefined): string {
  return (url ?? '/').split(/[?#]/, 1).join('').slice(0, 1_024);
}
