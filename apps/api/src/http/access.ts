import { setImmediate } from 'node:timers/promises';
import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import { NEW_ACCOUNT_DAYS, type Authenticator, type Caller } from '@edgechat/identity';
import { Refusal, Unavailable, type AccountId } from '@edgechat/kernel';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readsBody } from './bodies.js';
import { callerKey, clientAddress } from './client-address.js';
import { pathOf, routeNotFound } from './problem.js';
import type { Allowance, RateLimit } from './rate-limit.js';
import { timesGiven } from './request-id.js';
import { routeConfig } from './route-config.js';
import type { RouteTable } from './route-table.js';
import type { SharedAddresses } from './shared-addresses.js';

/** Who may call a route: `token` everyone with an access token, `public` everyone, `health` everyone and uncounted. */
type Access = 'token' | 'public' | 'health';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, once the access token was found valid; null without one. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    access?: Access;
    isCountedOnRefreshToken?: boolean;
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

/**
 * Counts the calls of a route on the session of the refresh token in their body, if it is one of ours: others behind the same address, who use up its limit, keep nobody from refreshing.
 * Without such a token they count like all others.
 */
export const CountedOnRefreshToken = (): MethodDecorator => routeConfig({ isCountedOnRefreshToken: true });

/** The caller of a route that asks for a token. @throws Refusal `unauthorized` on a public route that was called without one. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
  if (caller === null) throw unauthorized();
  return caller;
});

/** These may be there once: a second one would mean that a proxy and this server read different requests. */
const SINGLE_HEADERS = ['authorization', 'idempotency-key', 'content-type', 'host'];

export interface AccessParts {
  readonly authenticator: Pick<Authenticator, 'authenticate' | 'known' | 'sessionOf'>;
  readonly meter: { count(accountId: AccountId): void };
  readonly rateLimit: Pick<RateLimit, 'count' | 'countRefresh' | 'policy'>;
  readonly routes: RouteTable;
  readonly sharedAddresses: Pick<SharedAddresses, 'note'>;
}

/**
 * Decides who calls, whether the call is within its limit, and whether the route is open to them: before a body is read, but where the body says on whom the call counts.
 * A valid token is counted on its account whatever will be answered (and while the account is new on the address, too), everything else on the address.
 */
export function guardAccess(fastify: FastifyInstance, parts: AccessParts): void {
  fastify.decorateRequest('caller', null);
  fastify.addHook('onRequest', async (request, reply) => {
    const { access = 'token', isCountedOnRefreshToken = false } = request.routeOptions.config;
    if (access === 'health') return;

    const error = await identify(request, parts);
    const badHeaders = findBadHeaders(request);
    if (isCountedOnRefreshToken && badHeaders === null && readsBody(request)) {
      request.judgeBody = (body) => countOnRefreshToken(request, reply, body, parts);
      // A body of the same packet has come after this, and never counts as unfinished.
      return setImmediate();
    }
    await countOnCaller(request, reply, parts);
    if (badHeaders !== null) throw badHeaders;
    if (request.is404) return answerNoRoute(request, reply, parts.routes);
    if (access === 'token' && request.caller === null) throw error ?? unauthorized();
  });
}

async function countOnCaller(request: FastifyRequest, reply: FastifyReply, { rateLimit }: AccessParts): Promise<void> {
  const newAt = isNew(request.caller) ? clientAddress(request).key : null;
  refuseBeyond(await rateLimit.count(callerKey(request), newAt), reply, rateLimit.policy);
}

async function countOnRefreshToken(
  request: FastifyRequest,
  reply: FastifyReply,
  body: unknown,
  parts: AccessParts,
): Promise<void> {
  const { authenticator, rateLimit } = parts;
  const token = typeof body === 'object' && body !== null && 'refresh_token' in body ? body.refresh_token : null;
  const session = typeof token === 'string' ? await authenticator.sessionOf(token) : null;
  if (session === null) return countOnCaller(request, reply, parts);
  refuseBeyond(await rateLimit.countRefresh(session, clientAddress(request).key), reply, rateLimit.policy);
}

/** Puts on the answer what is left. @throws Refusal `too_many_requests` when it was less than nothing */
function refuseBeyond(allowance: Allowance | null, reply: FastifyReply, policy: string | null): void {
  if (allowance === null) return;
  const { isExceeded, remaining, resetS, retryAfterS = resetS } = allowance;
  reply.header('ratelimit-policy', policy).header('ratelimit', `"default";r=${remaining};t=${resetS}`);
  if (isExceeded) throw new Refusal('too_many_requests', 'Too many requests', { retryAfterS });
}

function isNew(caller: Caller | null): boolean {
  const registeredAtS = caller?.registeredAtS ?? null;
  return registeredAtS !== null && Date.now() / 1_000 - registeredAtS < NEW_ACCOUNT_DAYS * 86_400;
}

/** Finds the caller, and counts the call as one of theirs. Gives what was wrong with a token that is no good. */
async function identify(
  request: FastifyRequest,
  { authenticator, meter, sharedAddresses }: AccessParts,
): Promise<Refusal | Unavailable | null> {
  const token = bearerToken(request);
  if (token === null) return null;

  const known = authenticator.known(token);
  const { caller, error } = known === null ? await authenticate(token, authenticator) : { caller: known, error: null };
  if (caller !== null) {
    request.caller = caller;
    meter.count(caller.accountId);
    sharedAddresses.note(caller.accountId, () => clientAddress(request).key);
  }
  return error;
}

async function authenticate(
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

function findBadHeaders(request: FastifyRequest): Refusal | null {
  if (request.headers.host === undefined && request.raw.httpVersion === '1.1')
    return new Refusal('malformed_request', 'The header host is missing. HTTP/1.1 asks for it.');
  const doubled = SINGLE_HEADERS.find((name) => timesGiven(request.raw.rawHeaders, name) > 1);
  return doubled === undefined
    ? null
    : new Refusal('malformed_request', `The header ${doubled} was given more than once. Send it once.`);
}

/** Says which methods a path has: to OPTIONS, and to a method that it does not have. @throws Refusal `route_not_found`, `method_not_allowed` */
function answerNoRoute(request: FastifyRequest, reply: FastifyReply, routes: RouteTable): FastifyReply {
  const methods = routes.methodsOf(pathOf(request.raw.url));
  if (methods.length === 0) throw routeNotFound();
  reply.header('allow', methods.join(', '));
  if (request.method === 'OPTIONS') return reply.status(204).send();
  throw new Refusal('method_not_allowed', `This path does not know ${request.method}. It knows ${methods.join(', ')}.`);
}

const unauthorized = (): Refusal =>
  new Refusal('unauthorized', 'Send a valid access token as Authorization: Bearer <access_token>.');
