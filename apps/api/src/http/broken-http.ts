import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Refusal, newId } from '@edgechat/kernel';
import { corsHeaders } from './cors.js';
import { problemHeaders, problemOf } from './problem.js';

/** What of a request that was refused half-way may still come, so that its client reads the answer and is not cut off. */
const DISCARD_MAX_BYTES = 1_048_576;
const DISCARD_MAX_MS = 5_000;
/** No read of Node's is longer. */
const PACKET_MAX_BYTES = 65_536;

/** What Node says of bytes that it could not read as a request, or that came too slowly. */
export interface BrokenHttp extends Error {
  readonly code?: string;
  /** The bytes that came last, a Buffer; what came before them is gone. Missing where nothing came in time. */
  readonly rawPacket?: unknown;
}

export interface BrokenHttpParts {
  readonly headers: Readonly<Record<string, string>>;
  readonly corsOrigins: readonly string[];
  /** The answers that are under way on a connection, the oldest first. */
  readonly underWay: (socket: Socket) => readonly ServerResponse[];
}

/** Answers bytes that are no HTTP request, which no hook or filter ever sees, and hangs up. To be called for each `clientError` of a server. */
export class BrokenHttpAnswers {
  /** What each connection that was answered has sent since. */
  private readonly discarded = new WeakMap<Socket, number>();

  constructor(private readonly parts: BrokenHttpParts) {}

  answer(error: BrokenHttp, socket: Socket): void {
    const discarded = this.discarded.get(socket);
    if (discarded !== undefined) return this.discard(error, socket, discarded);
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    this.discarded.set(socket, 0);
    this.answerInTurn(error, socket);
  }

  /** Earlier answers go first: these bytes would be taken for one of them, or for a part of it. */
  private answerInTurn(error: BrokenHttp, socket: Socket): void {
    const answers = this.parts.underWay(socket).filter(({ writableFinished }) => !writableFinished);
    const earlier = answers.findLast(({ req, headersSent }) => req.complete || headersSent);
    if (earlier !== undefined) {
      // (Where the broken request itself is being answered, there is nothing more to say.)
      const { complete } = earlier.req;
      earlier.once('close', () => (complete ? this.answerInTurn(error, socket) : socket.end()));
      return;
    }
    if (!socket.writable) return;

    const timer = setTimeout(() => socket.destroy(), DISCARD_MAX_MS).unref();
    socket.once('close', () => clearTimeout(timer));
    const [unfinished] = answers;
    const origin = unfinished ? unfinished.req.headers.origin : this.originOf(error, socket);
    socket.end(this.text(refusalOf(error), origin));
  }

  /** Node hands over what comes on a broken connection again and again: most of all the rest of headers that were too large. */
  private discard(error: BrokenHttp, socket: Socket, before: number): void {
    const discarded = before + packetOf(error).length;
    this.discarded.set(socket, discarded);
    if (discarded > DISCARD_MAX_BYTES) socket.destroy();
  }

  /** Whose page gets to read the answer: of any page where all may; else of the one that the bytes name, and where that may stand in bytes that are gone, or still come, of the only one that may. */
  private originOf(error: BrokenHttp, socket: Socket): string | undefined {
    const { corsOrigins } = this.parts;
    if (corsOrigins.includes('*')) return '*';
    const packet = packetOf(error);
    const named = originIn(packet);
    const isCut = error.code === 'HPE_HEADER_OVERFLOW' || socket.bytesRead > packet.length;
    const isGone = named === undefined && isCut;
    return isGone && corsOrigins.length === 1 ? corsOrigins[0] : named;
  }

  private text(refusal: Refusal, origin: string | undefined): string {
    const requestId = newId();
    const problem = problemOf(refusal, { path: '/', requestId });
    const body = JSON.stringify(problem);
    const headers = {
      ...this.parts.headers,
      ...problemHeaders(refusal),
      ...corsHeaders(origin, this.parts.corsOrigins),
      'x-request-id': requestId,
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
  }
}

const NOTHING = Buffer.alloc(0);
const packetOf = ({ rawPacket }: BrokenHttp): Buffer => (Buffer.isBuffer(rawPacket) ? rawPacket : NOTHING);

function refusalOf({ code }: BrokenHttp): Refusal {
  return code === 'HPE_HEADER_OVERFLOW'
    ? new Refusal('headers_too_large', 'All headers together may have at most 16 KiB. Send fewer or shorter ones.')
    : new Refusal(
        'malformed_request',
        'The request is not valid HTTP, or did not arrive in time. Mend it and send it again.',
      );
}

/** The value of the last header `Origin` in bytes that may be anything, in time that grows with their number only; undefined without one. It is not to be believed, but compared. */
export function originIn(packet: Buffer): string | undefined {
  const text = `\n${packet.subarray(0, PACKET_MAX_BYTES).toString('latin1')}`;
  const at = text.toLowerCase().lastIndexOf('\norigin:');
  if (at === -1) return undefined;
  const from = at + '\norigin:'.length;
  const end = text.indexOf('\n', from);
  return text.slice(from, end === -1 ? undefined : end).trim();
}
