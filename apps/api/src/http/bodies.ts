import { Refusal } from '@edgechat/kernel';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BODY_MAX_BYTES } from './body-limit.js';
import { callerKey, clientAddress } from './client-address.js';
import { parseJson } from './json-body.js';
import { BodyReader, DISCARD_MAX_BYTES, noRoom, type BodyBounds } from './read-body.js';
import { PACE, Transfers, type Cut, type Pace } from './transfers.js';

export interface BodyLimits {
  /** What all bodies that come may hold together. */
  readonly maxBytes: number;
  /** How many bodies without a valid access token may be coming from one address. */
  readonly unfinishedPerAddress: number;
  readonly pace?: Pace;
}

type Done = (error: Error | null, value?: unknown) => void;

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Decides about a call by its body, which is undefined when it could not be read or parsed. Called once, before anybody else sees the body;
     * its refusal goes before what is wrong with the body. Null when nothing has to be decided.
     */
    judgeBody: ((body: unknown) => Promise<void>) | null;
  }
}

/**
 * Takes bodies, which are JSON or nothing. What all of them hold is bounded until they were parsed: what their calls keep of them then is fields that were checked, of at most
 * 32,000 characters, and is not given back by ending a body.
 */
export function takeBodies(fastify: FastifyInstance, limits: BodyLimits): Transfers {
  const bodies = new Bodies(limits);
  fastify.decorateRequest('judgeBody', null);
  fastify.addHook('preParsing', (request, _reply, _payload, done) => {
    done(
      hasBody(request) && !isPlainJson(request.headers)
        ? new Refusal('unsupported_media_type', 'Send the body as application/json in UTF-8, without Content-Encoding.')
        : null,
    );
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', (request: FastifyRequest, _raw: unknown, done) =>
    bodies.read(request, (error, value) => judged(request, error, value, done)),
  );
  fastify.addHook('onSend', (request, reply, _payload, done) => {
    bodies.leaveRest(request, reply);
    done();
  });
  fastify.addHook('onClose', (_instance, done) => {
    bodies.transfers.close();
    done();
  });
  return bodies.transfers;
}

class Bodies {
  readonly transfers: Transfers;
  /** The addresses from which bodies without a token are coming, and what ends each of those, the oldest first. */
  private readonly anonymous = new Map<string, Set<() => void>>();
  /** Requests whose client was too slow, and those whose rest is discarded. */
  private readonly slow = new WeakSet<FastifyRequest>();
  private readonly left = new WeakSet<FastifyRequest>();

  constructor(private readonly limits: BodyLimits) {
    this.transfers = new Transfers({ maxBytes: limits.maxBytes, pace: limits.pace ?? PACE });
  }

  /** Reads and parses the body of a request. Its errors are those of `BodyReader` and `parseJson`, and 429 for one unfinished body too many. */
  read(request: FastifyRequest, done: Done): void {
    const leave = this.enter(request, () => reader.end(tooManyUnfinished()));
    if (leave === null) return done(tooManyUnfinished());
    const transfer = this.transfers.begin(callerKey(request), {
      cut: (why) => cut(why),
      isGone: () => request.raw.socket.destroyed,
    });
    const watch = {
      moved: (bytes: number) => void (transfer.movedBytes += bytes),
      hold: (bytes: number) => this.transfers.hold(transfer, bytes),
      release: () => this.transfers.release(transfer),
    };
    const reader = new BodyReader(request.raw, boundsOf(request), watch, (refusal, body) => {
      leave();
      const [error, value] = refusal === null ? parsed(body) : [refusal, undefined];
      this.transfers.end(transfer);
      done(error, value);
    });
    const cut = (why: Cut): void => {
      if (why === 'slow') this.slow.add(request);
      reader.end(why === 'slow' ? tooSlow() : noRoom());
    };
    reader.start();
  }

  /** What of a body has not come when its call is answered is discarded: in time, and not without end. */
  leaveRest(request: FastifyRequest, reply: FastifyReply): void {
    const { raw } = request;
    if (raw.complete || raw.readableEnded || !announcesBody(request) || this.left.has(request)) return;
    this.left.add(request);
    if (this.slow.has(request)) reply.header('connection', 'close');
    const hangUp = (): void => void raw.socket.destroy();
    const transfer = this.transfers.begin(callerKey(request), {
      cut: hangUp,
      isGone: () => raw.complete || raw.socket.destroyed,
    });
    raw.on('data', (chunk: Buffer) => {
      transfer.movedBytes += chunk.length;
      if (transfer.movedBytes > DISCARD_MAX_BYTES) hangUp();
    });
    raw.on('close', () => this.transfers.end(transfer));
  }

  /**
   * Counts one more unfinished body of a caller without a token. Gives what counts it off, or null when there are too many.
   * A call that has to be judged by its body takes the place of the oldest: bodies that do not end keep nobody from making it.
   */
  private enter(request: FastifyRequest, end: () => void): (() => void) | null {
    const { unfinishedPerAddress } = this.limits;
    if (request.caller !== null || (request.raw.complete && unfinishedPerAddress > 0)) return () => undefined;
    const { key } = clientAddress(request);
    if (this.unfinishedOf(key).size >= unfinishedPerAddress) {
      const [endOldest] = this.unfinishedOf(key);
      if (request.judgeBody === null || endOldest === undefined) return null;
      endOldest();
    }
    this.anonymous.set(key, this.unfinishedOf(key).add(end));
    return () => {
      const rest = this.unfinishedOf(key);
      rest.delete(end);
      if (rest.size === 0) this.anonymous.delete(key);
    };
  }

  private unfinishedOf(key: string): Set<() => void> {
    return this.anonymous.get(key) ?? new Set();
  }
}

function judged(request: FastifyRequest, error: Error | null, value: unknown, done: Done): void {
  const { judgeBody } = request;
  if (judgeBody === null) return done(error, value);
  request.judgeBody = null;
  judgeBody(value).then(() => done(error, value), done);
}

/** True when the body of a request will be read: there is one, and it is JSON. */
export function readsBody(request: FastifyRequest): boolean {
  return hasBody(request) && isPlainJson(request.headers);
}

function boundsOf({ headers, routeOptions }: FastifyRequest): BodyBounds {
  return {
    announcedBytes: Number(headers['content-length'] ?? 0),
    maxBytes: routeOptions.config.bodyMaxBytes ?? BODY_MAX_BYTES,
  };
}

function parsed(body: Buffer): readonly [Error | null, unknown] {
  try {
    return [null, parseJson(body)];
  } catch (error) {
    return [error instanceof Error ? error : new Error(String(error)), undefined];
  }
}

/** A body of GET or HEAD means nothing and is never read (RFC 9110, 9.3.1), so it is no reason to refuse a call. */
function hasBody(request: FastifyRequest): boolean {
  return request.method !== 'GET' && request.method !== 'HEAD' && announcesBody(request);
}

function announcesBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isPlainJson(headers: FastifyRequest['headers']): boolean {
  if (headers['content-type'] === 'application/json') return headers['content-encoding'] === undefined;
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const charsets = parameters.filter((parameter) => /^charset\s*=/.test(parameter));
  return (
    headers['content-encoding'] === undefined &&
    type === 'application/json' &&
    charsets.every((charset) => /^charset\s*=\s*"?utf-?8"?$/.test(charset))
  );
}

const tooSlow = (): Refusal =>
  new Refusal('malformed_request', 'The body did not arrive in time. Send it again, faster.');

const tooManyUnfinished = (): Refusal =>
  new Refusal('too_many_requests', 'Too many bodies from this address are not finished. Finish them first.', {
    retryAfterS: 1,
  });
