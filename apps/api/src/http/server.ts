import { STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Refusal, Unavailable, newId } from '@edgechat/kernel';
import type { Config } from '@edgechat/platform/config';
import { workContext, type Log } from '@edgechat/platform/logging';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { allowOrigin } from './cors.js';
import { parseJson, readBody } from './json-body.js';
import { answerWithProblem } from './problem.filter.js';
import { problemHeaders, problemOf } from './problem.js';
import { requestIdOf } from './request-id.js';

const HEADERS_MAX_BYTES = 16_384;
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 15_000;
const UNREAD_TIMEOUT_MS = 30_000;
const UNREAD_MAX_BYTES = 256 * 1_048_576;
const SMALL_ANSWER_BYTES = 65_536;

/** What an answer for programs needs so that no browser takes it for a page; the pages under `/docs` and `/errors` set their own policy. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

/**
 * Fastify as the API uses it: request ids, limits and problem documents for what it refuses itself, before any route is known.
 * A client has 30 s to send a whole request, and must go on reading its answer; how long it waits for one is the route's affair.
 */
export function createAdapter(config: Config, log: Log): FastifyAdapter {
  const adapter = new FastifyAdapter({
    // Node would answer a missing Host itself, without a request id: guardAccess refuses it.
    http: { maxHeaderSize: HEADERS_MAX_BYTES, requireHostHeader: false, headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 2_000 },
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: requestIdOf,
    requestIdHeader: false,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    // A parameter too long to be an id is an unknown id, which its route answers; the limit on headers bounds the URL.
    routerOptions: { maxParamLength: HEADERS_MAX_BYTES },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      reply.headers(SECURITY_HEADERS);
      allowOrigin(request, reply, config.corsOrigins);
      answerWithProblem(error, request, reply, log);
    },
    clientErrorHandler: answerBrokenHttp,
  });
  const fastify = adapter.getInstance();
  // Without a listener Node answers an unknown expectation itself, without a request id. Expectations may be ignored (RFC 9110, 10.1.1).
  fastify.server.on('checkExpectation', (request, response) => fastify.server.emit('request', request, response));
  identifyRequests(fastify);
  boundUnreadAnswers(fastify);
  takeOnlyJson(fastify);
  return adapter;
}

/** Puts the request's id on its answer and into every log line written for it. */
function identifyRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
    workContext.run({ requestId: request.id }, done);
  });
}

/** An answer stays in memory until the client has read it: who reads nothing for 30 s is hung up on, and all that is unread together is bounded. */
function boundUnreadAnswers(fastify: FastifyInstance): void {
  let unread = 0;
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    const bytes = typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0;
    if (bytes > SMALL_ANSWER_BYTES && unread + bytes > UNREAD_MAX_BYTES) return done(new Unavailable('sending', { detail: 'Too many large answers wait to be read. Try again shortly.' }));
    unread += bytes;
    reply.raw.once('close', () => (unread -= bytes));
    const { socket } = reply.raw;
    if (socket instanceof Socket) socket.setTimeout(UNREAD_TIMEOUT_MS);
    done();
  });
}

function takeOnlyJson(fastify: FastifyInstance): void {
  fastify.addHook('preParsing', async (request) => {
    if (hasBody(request) && !isPlainJson(request)) throw new Refusal('unsupported_media_type', 'Send the body as application/json in UTF-8, without Content-Encoding.');
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', async (request: FastifyRequest, payload: FastifyRequest['raw']) => parseJson(await readBody(payload, Number(request.headers['content-length'] ?? 0))));
}

/** A body of GET or HEAD means nothing and is never read (RFC 9110, 9.3.1), so it is no reason to refuse a call. */
function hasBody({ headers, method }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isPlainJson({ headers }: FastifyRequest): boolean {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charsets = parameters.filter((parameter) => /^charset\s*=/.test(parameter));
  return headers['content-encoding'] === undefined && type === 'application/json' && charsets.every((charset) => /^charset\s*=\s*"?utf-?8"?$/.test(charset));
}

/** Answers bytes that are no HTTP request, which no hook or filter ever sees, and hangs up. */
function answerBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new Refusal('headers_too_large', 'All headers together may have at most 16 KiB. Send fewer or shorter ones.')
      : new Refusal('malformed_request', 'The request is not valid HTTP, or did not arrive in time. Mend it and send it again.');
  const requestId = newId();
  const problem = problemOf(refusal, { path: '/', requestId });
  const body = JSON.stringify(problem);
  const headers = { ...SECURITY_HEADERS, ...problemHeaders(refusal), 'x-request-id': requestId, 'content-length': String(Buffer.byteLength(body)), connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
