import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Authenticator, Caller } from '@edgechat/identity';
import { Refusal, Unavailable, type AccountId } from '@edgechat/kernel';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerKey } from './client-address.js';
import { pathOf } from './problem.js';
import type { RateLimit } from './rate-limit.js';
import { timesGiven } from './request-id.js';
import { routeConfig } from './route-config.js';
import type { RouteTable } from './route-table.js';

/** Who may call a route: `token` everyone with an access token, `public` everyone, `health` everyone and uncounted. */
type Access = 'token' | 'public' | 'health';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, once the access token was found valid; null without one. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    access?: Access;
  }
}

/** OpenAPI's mark of what the hook below does; `describeAnswers` reads and removes it. */
export const ACCESS_EXTENSION = 'x-access';

const accessible = (access: Access): MethodDecorator =>
  applyDecorators(routeConfig({ access }), ApiExtension(ACCESS_EXTENSION, access));

/** Opens a route to callers without a token. Every other route asks for one. */
export const Public = (): MethodDecorator => accessible('public');

/** Opens a health call to everybody; it is neither counted nor refused. */
export const HealthCall = (): MethodDecorator => accessible('health');

/** The caller of a route that asks for a token. @throws Refusal `unauthorized` on a public route that was called without one. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
  if (caller === null) throw unauthorized();
  return caller;
});

/** These may be there once: a second one would mean that a proxy and this server read different requests. */
const SINGLE_HEADERS = ['authorization', 'idempotency-key', 'content-type', 'host'];

export interface AccessParts {
  readonly authenticator: Pick<Authenticator, 'authenticate' | 'known'>;
  readonly meter: { count(accountId: AccountId): void };
  readonly rateLimit: Pick<RateLimit, 'count' | 'policy'>;
  readonly routes: RouteTable;
}

/**
 * Decides before a body is read who calls, whether the call is within its limit, and whether the route is open to them.
 * A valid token is counted on its account whatever will be answered, everything else on the address.
 */
export function guardAccess(fastify: FastifyInstance, parts: AccessParts): void {
  fastify.decorateRequest('caller', null);
  fastify.addHook('onRequest', async (request, reply) => {
    const { access = 'token' } = request.routeOptions.config;
    if (access === 'health') return;

    const token = bearerToken(request);
    const known = token === null ? null : parts.authenticator.known(token);
    const identity =
      token === null || known !== null ? { caller: known, error: null } : await identify(token, parts.authenticator);
    if (identity.caller !== null) {
      request.caller = identity.caller;
      parts.meter.count(identity.caller.accountId);
    }
    const allowance = await parts.rateLimit.count(callerKey(request));
    if (allowance !== null) {
      reply
        .header('ratelimit-policy', parts.rateLimit.policy)
        .header('ratelimit', `"default";r=${allowance.remaining};t=${allowance.resetS}`);
      if (allowance.isExceeded)
        throw new Refusal('too_many_requests', 'Too many requests', { retryAfterS: allowance.resetS });
    }
    refuseBadHeaders(request);
    if (request.is404) throw noRoute(request, reply, parts.routes);
    if (access === 'token' && identity.caller === null) throw identity.error ?? unauthorized();
  });
}

async function identify(
  token: string,
  authenticator: AccessParts['authenticator'],
): Promise<{ readonly caller: Caller | null; readonly error: Refusal | Unavailable | null }> {
  try {
    return { caller: await authenticator.authenticate(token), error: null };
  } catch (error) {
    // On a public route a bad token is no harm, and a limit must be counted before the answer: so the refusal waits.
    if (error instanceof Refusal || error instanceof Unavailable) return { caller: null, error };
    throw error;
  }
}

function bearerToken(request: FastifyRequest): string | null {
  if (timesGiven(request.raw.rawHeaders, 'authorization') !== 1) return null;
  return /^bearer +([^ ]+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}

function refuseBadHeaders(request: FastifyRequest): void {
  if (request.headers.host === undefined && request.raw.httpVersion === '1.1')
    throw new Refusal('malformed_request', 'The header host is missing. HTTP/1.1 asks for it.');
  const doubled = SINGLE_HEADERS.find((name) => timesGiven(request.raw.rawHeaders, name) > 1);
  if (doubled !== undefined)
    throw new Refusal('malformed_request', `The header ${doubled} was given more than once. Send it once.`);
}

function noRoute(request: FastifyRequest, reply: FastifyReply, routes: RouteTable): Refusal {
  const methods = routes.methodsOf(pathOf(request.raw.url));
  if (methods.length === 0)
    return new Refusal('route_not_found', 'There is no such path. See /docs for those there are.');
  reply.header('allow', methods.join(', '));
  return new Refusal(
    'method_not_allowed',
    `This path does not know ${request.method}. It knows ${methods.join(', ')}.`,
  );
}

const unauthorized = (): Refusal =>
  new Refusal('unauthorized', 'Send a valid access token as Authorization: Bearer <access_token>.');
