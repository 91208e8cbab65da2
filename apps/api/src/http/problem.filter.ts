import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { Refusal, Unavailable, type ErrorCode } from '@edgechat/kernel';
import type { Log } from '@edgechat/platform/logging';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pathOf, problemHeaders, problemOf, routeNotFound } from './problem.js';

/** What Nest and Fastify themselves throw, by status: a missing route, a body that cannot be read. Their own words are not for clients. */
const BY_STATUS: Readonly<Record<number, { readonly code: ErrorCode; readonly detail: string }>> = {
  400: { code: 'malformed_request', detail: 'The request could not be read. Mend it and send it again.' },
  404: routeNotFound(),
  405: {
    code: 'method_not_allowed',
    detail: 'This path does not know this method. The header Allow names those it has.',
  },
  413: { code: 'body_too_large', detail: 'The body has more bytes than this call takes. Send less.' },
  414: { code: 'malformed_request', detail: 'A part of the path is too long. Mend the URL.' },
  415: {
    code: 'unsupported_media_type',
    detail: 'Send the body as application/json in UTF-8, without Content-Encoding.',
  },
  431: {
    code: 'headers_too_large',
    detail: 'All headers together may have at most 16 KiB. Send fewer or shorter ones.',
  },
};

/** Turns whatever was thrown on the way of a request into a problem document. The only place that does. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    answerWithProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.log);
  }
}

/** Answers a request with the problem document of `error`; a bug is logged with its stack, once, here. Does nothing when an answer is already on its way. */
export function answerWithProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  // A client that goes away in the middle of a large answer is nobody's fault, and hears nothing more.
  if (isHangUp(error)) return log.debug('a client went away in the middle of its answer', { requestId: request.id });
  const known = codedError(error);
  if (known.code === 'internal_error')
    log.error('a request failed by a bug', { requestId: request.id, error, route: request.routeOptions.url });
  else if (known instanceof Unavailable)
    log.warn('a request found a dependency unavailable', {
      requestId: request.id,
      dependency: known.dependency,
      code: known.code,
      error: known.options.cause,
    });
  if (reply.sent || reply.raw.headersSent) return;

  const problem = problemOf(known, { path: pathOf(request.raw.url), requestId: request.id });
  reply.status(problem.status).headers({ 'x-request-id': request.id, ...problemHeaders(known) });
  // Serialized here: Fastify would append a charset to an object's type, which problem+json does not define.
  reply.send(Buffer.from(JSON.stringify(problem)));
}

function codedError(error: unknown): Refusal | Unavailable {
  if (error instanceof Refusal || error instanceof Unavailable) return error;
  const known = BY_STATUS[statusOf(error)];
  if (known !== undefined) return new Refusal(known.code, known.detail);
  return new Refusal(
    'internal_error',
    'Something went wrong here, and it is not your fault. Tell the operator the request_id.',
  );
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const isFastifyError =
    error instanceof Error && 'code' in error && String(error.code).startsWith('FST_') && 'statusCode' in error;
  return isFastifyError ? Number(error.statusCode) : 500;
}

const isHangUp = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
