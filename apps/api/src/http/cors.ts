import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from './problem.js';
import type { RouteTable } from './route-table.js';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const ALLOWED_HEADERS = 'Authorization, Content-Type, X-Request-ID, Idempotency-Key, Last-Event-ID, Prefer';
const EXPOSED_HEADERS =
  'X-Request-ID, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed, Preference-Applied';
const PREFLIGHT_MAX_AGE_S = 600;

/**
 * Lets browsers of `origins` (or of any, `*`) read answers, errors included, and answers OPTIONS: a preflight always, another one with the path's methods in `Allow`.
 * Tokens travel in a header that a page sets itself, never in cookies, so credentials are not allowed.
 */
export function answerCors(fastify: FastifyInstance, origins: readonly string[], routes: RouteTable): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    allowOrigin(request, reply, origins);
    if (request.method !== 'OPTIONS') return done();
    if (isPreflight(request)) return void answerPreflight(reply);

    const methods = routes.methodsOf(pathOf(request.raw.url));
    if (methods.length === 0) return done();
    reply.status(204).header('allow', methods.join(', ')).send();
  });
}

/** Lets a page of an allowed origin read this answer. For answers given before any hook runs; `answerCors` does it for all others. */
export function allowOrigin(request: FastifyRequest, reply: FastifyReply, origins: readonly string[]): void {
  const isOpen = origins.includes('*');
  const { origin } = request.headers;
  if (!isOpen) reply.header('vary', 'Origin');
  if (origin === undefined || !(isOpen || origins.includes(origin))) return;
  reply
    .header('access-control-allow-origin', isOpen ? '*' : origin)
    .header('access-control-expose-headers', EXPOSED_HEADERS);
}

function isPreflight(request: FastifyRequest): boolean {
  return request.headers.origin !== undefined && request.headers['access-control-request-method'] !== undefined;
}

function answerPreflight(reply: FastifyReply): void {
  reply
    .status(204)
    .headers({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': String(PREFLIGHT_MAX_AGE_S),
    })
    .send();
}
