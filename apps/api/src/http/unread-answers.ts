import type { ServerResponse } from 'node:http';
import { Unavailable } from '@edgechat/kernel';
import type { FastifyInstance } from 'fastify';

const LIMITS: UnreadLimits = { maxBytes: 256 * 1_048_576, smallBytes: 65_536, timeoutMs: 30_000, lookEveryMs: 5_000 };

export interface UnreadLimits {
  /** Of all answers together. */
  readonly maxBytes: number;
  /** Answers up to this are given in any case. */
  readonly smallBytes: number;
  /** How long a client may read nothing. */
  readonly timeoutMs: number;
  /** How long an answer goes without a timer; nearly every one was read by then. */
  readonly lookEveryMs: number;
}

/** An answer stays in memory until the client has read it: who reads nothing for 30 s is hung up on, and all that is unread together is bounded. */
export function boundUnreadAnswers(
  fastify: FastifyInstance,
  { maxBytes, smallBytes, timeoutMs, lookEveryMs }: UnreadLimits = LIMITS,
): void {
  const unread = new Map<ServerResponse, number>();
  let unreadBytes = 0;
  const forget = (answer: ServerResponse): void => {
    unreadBytes -= unread.get(answer) ?? 0;
    unread.delete(answer);
  };
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    const bytes = typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0;
    if (bytes > smallBytes && unreadBytes + bytes > maxBytes)
      return done(new Unavailable('sending', { detail: 'Too many large answers wait to be read. Try again shortly.' }));
    forget(reply.raw);
    unread.set(reply.raw, bytes);
    unreadBytes += bytes;
    done();
  });
  fastify.addHook('onResponse', (_request, reply, done) => {
    forget(reply.raw);
    done();
  });
  const sweep = setInterval(() => {
    for (const answer of unread.keys()) {
      // (A client that went away ends its answer without a response.)
      if (answer.closed) forget(answer);
      else if (answer.socket?.timeout !== timeoutMs) answer.socket?.setTimeout(timeoutMs);
    }
  }, lookEveryMs);
  fastify.addHook('onClose', (_instance, done) => {
    clearInterval(sweep);
    done();
  });
}
