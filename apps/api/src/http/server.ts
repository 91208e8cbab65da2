import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Config } from '@edgechat/platform/config';
import type { Log } from '@edgechat/platform/logging';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { takeBodies } from './bodies.js';
import { BrokenHttpAnswers } from './broken-http.js';
import { CONTENT_POLICY } from './content-policy.js';
import { openToOrigin } from './cors.js';
import { answerWithProblem } from './problem.filter.js';
import { requestIdOf } from './request-id.js';
import { boundPipelining } from './pipelining.js';
import { PACE } from './transfers.js';
import { boundUnreadAnswers } from './unread-answers.js';

const MIB = 1_048_576;
const HEADERS_MAX_BYTES = 16_384;
/** A body may take as long as it keeps its pace (`PACE`); this is when the largest has kept it, and some. */
const REQUEST_TIMEOUT_MS = 600_000;
const HEADERS_TIMEOUT_MS = 15_000;

/** What an answer for programs needs so that no browser takes it for a page; the pages under `/docs` and `/errors` set their own policy. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': CONTENT_POLICY,
  'referrer-policy': 'no-referrer',
};

/**
 * Fastify as the API uses it: request ids, limits and problem documents for what it refuses itself, before any route is known.
 * A client has 15 s to send its headers, and must keep the pace while it sends a body and while it reads an answer; how long it waits for one is the route's affair.
 */
export function createAdapter(config: Config, log: Log): FastifyAdapter {
  const adapter = new FastifyAdapter({
    // Node would answer a missing Host itself, without a request id: guardAccess refuses it.
    http: {
      maxHeaderSize: HEADERS_MAX_BYTES,
      requireHostHeader: false,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 2_000,
    },
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: requestIdOf,
    requestIdHeader: false,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    // A parameter too long to be an id is an unknown id, which its route answers; the limit on headers bounds the URL.
    routerOptions: { maxParamLength: HEADERS_MAX_BYTES },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
      if (openToOrigin(request, reply, config.corsOrigins)) return;
      answerWithProblem(error, request, reply, log);
    },
    clientErrorHandler: (error, socket) => brokenHttp.answer(error, socket),
  });
  const fastify = adapter.getInstance();
  // Without a listener Node answers an unknown expectation itself, without a request id. Expectations may be ignored (RFC 9110, 10.1.1).
  fastify.server.on('checkExpectation', (request, response) => fastify.server.emit('request', request, response));
  identifyRequests(fastify);
  const brokenHttp: BrokenHttpAnswers = new BrokenHttpAnswers({
    headers: SECURITY_HEADERS,
    corsOrigins: config.corsOrigins,
    underWay: boundPipelining(fastify.server),
  });
  boundTransfers(fastify, config);
  return adapter;
}

/** Puts the request's id on its answer. */
function identifyRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
    done();
  });
}

/** Bounds what bodies and answers hold while they are on their way. */
function boundTransfers(fastify: FastifyInstance, config: Config): void {
  const pace = { ...PACE, bytesPerS: config.transferBytesPerSecondMin };
  boundUnreadAnswers(fastify, {
    maxBytes: config.answersMb * MIB,
    maxBytesPerCaller: config.answersMbPerAccount * MIB,
    pace,
  });
  takeBodies(fastify, {
    maxBytes: config.bodiesMb * MIB,
    unfinishedPerAddress: config.unfinishedBodiesPerAddress,
    pace,
  });
}
