import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { newId } from '@edgechat/kernel';
import type { FastifyRequest } from 'fastify';

const ACCEPTABLE = /^[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?$/;

/**
 * The id of a request: the client's own `X-Request-ID` if it is printable ASCII of 1 to 128 characters and came once, else a fresh one.
 * A blank at either end cannot arrive (HTTP strips it), so it is no part of an id.
 */
export function requestIdOf(request: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): string {
  const given = request.headers['x-request-id'];
  const isAcceptable =
    typeof given === 'string' && ACCEPTABLE.test(given) && timesGiven(request.rawHeaders, 'x-request-id') <= 1;
  return isAcceptable ? given : newId();
}

/** The id of the request, for the jobs that it causes. */
export const RequestId = createParamDecorator(
  (_: unknown, context: ExecutionContext): string => context.switchToHttp().getRequest<FastifyRequest>().id,
);

/** How often a header stands in a request; `rawHeaders` is Node's flat list of names and values, before it drops or joins doubles. */
export function timesGiven(rawHeaders: readonly string[], name: string): number {
  let times = 0;
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.length === name.length && rawHeaders[i]?.toLowerCase() === name) times += 1;
  return times;
}
