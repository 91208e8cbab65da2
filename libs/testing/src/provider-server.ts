import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { behaviourAskedFor } from './provider-behaviour.js';
import type { Behaviour } from './provider-behaviour.js';
import { modelsAnswer, modelsAskedFor } from './provider-models.js';
import { providerRefusal, providerWord } from './provider-refusals.js';
import { readRequest } from './provider-wire.js';
import type { Wire, WireError, WireName, WireRequest, WireTurn } from './provider-wire.js';

/** One request as it came. */
export interface ProviderRequest {
  readonly wire: WireName;
  readonly model: string;
  readonly question: string;
  readonly turns: readonly WireTurn[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
  readonly receivedAt: number;
}

/** What the provider does with a request that it has read; null: what its question asks for. */
export type Judge = (request: ProviderRequest) => Behaviour | null;

/** A running provider server. */
export interface ProviderServer {
  readonly url: string;
  /** What to set as `GEMINI_BASE_URL`, `OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL`. */
  readonly baseUrls: Readonly<Record<WireName, string>>;
  /** The next requests, whatever they ask, behave so, in this order; further ones do what their question asks for. */
  script(...behaviours: readonly Behaviour[]): void;
  /** Asks `judge` of every request that nothing is scripted for: null leaves it to the marks in its question. Of several the last one that does not give null decides; `forget` takes it back. */
  judge(judge: Judge): { forget: () => void };
  /** The last 1,000 requests, oldest first; with `question` only those that asked it. */
  requests(question?: string): readonly ProviderRequest[];
  /** Ends at once, also what hangs. Safe to repeat. */
  stop(): Promise<void>;
}

const MAX_KEPT_REQUESTS = 1_000;
const HUGE_CHARACTERS = 5 * 1_024 * 1_024;

/**
 * An HTTP server on loopback that answers as Gemini, OpenAI and Anthropic do. What it does with a request is told by
 * `script`, else by marks in the question (see `behaviourAskedFor`); unmarked it answers `echo: <question>`, with as many tokens as there are
 * characters in the question and in the answer. It refuses what the providers refuse: a missing key, turns that do not alternate.
 *
 * From another process: `POST /__script` with a JSON list of behaviours (204), `GET /__requests?question=` (JSON list).
 * @param port 0, the default, takes a free one
 */
export async function startProviderServer({ port = 0 }: { readonly port?: number } = {}): Promise<ProviderServer> {
  const state = new ProviderState();
  const server = createServer((request, response) => {
    serve(state, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });

  const url = `http://127.0.0.1:${portOf(server)}`;
  return {
    url,
    baseUrls: { gemini: `${url}/v1beta`, openai: `${url}/v1`, anthropic: `${url}/v1` },
    script: (...behaviours) => state.script(behaviours),
    judge: (judge) => state.judge(judge),
    requests: (question) => state.requests(question),
    stop: () => stop(server),
  };
}

class ProviderState {
  private readonly scripted: Behaviour[] = [];
  private readonly kept: ProviderRequest[] = [];
  private readonly askedBefore = new Map<string, number>();
  private readonly judges: Judge[] = [];

  script(behaviours: readonly Behaviour[]): void {
    this.scripted.push(...behaviours);
  }

  judge(judge: Judge): { forget: () => void } {
    this.judges.unshift(judge);
    return { forget: () => void this.judges.splice(this.judges.indexOf(judge), 1) };
  }

  requests(question: string | undefined): readonly ProviderRequest[] {
    return this.kept.filter((request) => question === undefined || request.question === question);
  }

  /** Keeps the request, and says what to do with it. */
  take(request: ProviderRequest): Behaviour {
    this.kept.push(request);
    if (this.kept.length > MAX_KEPT_REQUESTS) this.kept.shift();

    const before = this.askedBefore.get(request.question) ?? 0;
    this.askedBefore.set(request.question, before + 1);

    const asked = behaviourAskedFor(request.question);
    const isOver = asked.times !== undefined && before >= asked.times;
    return this.scripted.shift() ?? this.judged(request) ?? (isOver ? { kind: 'answer' } : asked);
  }

  judged(request: ProviderRequest): Behaviour | null {
    for (const judge of this.judges) {
      const behaviour = judge(request);
      if (behaviour !== null) return behaviour;
    }
    return null;
  }
}

/** Which models there are: no question, so it is no one of the requests, but `judge` is asked (what it gives is `raw`, or hangs). */
function serveModels(state: ProviderState, path: string, { headers }: IncomingMessage, response: ServerResponse): void {
  const asked = modelsAskedFor(path, headers);
  if (asked === null)
    return sendJson(response, 404, { error: { code: 404, message: 'no such path', status: 'NOT_FOUND' } });
  const { wire, model } = asked;
  const request = { wire, model: model ?? '', question: '', turns: [], headers, body: null, receivedAt: Date.now() };
  const behaviour = state.judged(request);
  if (behaviour === null) return sendJson(response, 200, modelsAnswer(asked));
  if (behaviour.kind === 'raw') sendRaw(response, behaviour);
}

async function serve(state: ProviderState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  if (pathname === '/__requests')
    return sendJson(response, 200, state.requests(searchParams.get('question') ?? undefined));
  if (request.method === 'GET') return serveModels(state, pathname, request, response);

  const body = await readJson(request);
  if (pathname === '/__script') {
    state.script(Array.isArray(body) ? body : [body]);
    response.writeHead(204).end();
    return;
  }

  const asked = request.method === 'POST' ? readRequest(pathname, body) : null;
  if (asked === null)
    return sendJson(response, 404, { error: { code: 404, message: 'no such path', status: 'NOT_FOUND' } });

  const { wire, model, question, turns, format } = asked;
  const behaviour = state.take({
    wire,
    model,
    question,
    turns,
    headers: request.headers,
    body,
    receivedAt: Date.now(),
  });
  const refusal = format.refusal(body, request.headers, turns);
  if (refusal !== null) return sendJson(response, refusal.status, format.error(refusal));

  if (behaviour.delayMs !== undefined) await delay(behaviour.delayMs, undefined, { ref: false });
  behave(response, behaviour, asked);
}

function behave(response: ServerResponse, behaviour: Behaviour, asked: WireRequest & { readonly format: Wire }): void {
  switch (behaviour.kind) {
    case 'answer':
      return sendJson(response, 200, goodAnswer(behaviour, asked));
    case 'fail':
      return sendFailure(response, behaviour, asked.format);
    case 'hang':
      return;
    case 'drop':
      return void response.destroy();
    case 'cut':
      return sendHalf(response, goodAnswer(behaviour, asked));
    case 'malformed':
      return sendMalformed(response, goodAnswer(behaviour, asked));
    // To itself: a client that follows shows up as further requests.
    case 'redirect':
      return void response.writeHead(307, { location: '' }).end();
    case 'raw':
      return sendRaw(response, behaviour);
    case 'refuse':
      return sendRaw(response, providerRefusal(asked.wire, behaviour.refusal ?? 'content'));
    case 'huge':
      return sendJson(response, 200, goodAnswer({ ...behaviour, text: 'x'.repeat(HUGE_CHARACTERS) }, asked));
  }
}

function goodAnswer(
  { text, reasoning = '', finish = 'stop', hasUsage = true }: Behaviour,
  { format, model, question, turns }: WireRequest & { readonly format: Wire },
): object {
  const answer = text ?? `echo: ${question}`;
  const asked = turns.flatMap(({ texts }) => texts).join('');
  return format.answer({
    model,
    text: answer,
    reasoning,
    finish,
    usage: hasUsage ? { input: asked.length, output: answer.length } : null,
  });
}

function sendFailure(response: ServerResponse, { status = 500, retryAfter }: Behaviour, format: Wire): void {
  if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter);
  const error: WireError = {
    status,
    word: providerWord(format.name, status),
    message: `scripted failure ${status}`,
  };
  sendJson(response, status, format.error(error));
}

function sendRaw(
  response: ServerResponse,
  { status = 200, headers = {}, body = {} }: Pick<Behaviour, 'status' | 'headers' | 'body'>,
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendHalf(response: ServerResponse, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
  // Destroyed only when the half has left, else the client would see a connection dropped before the answer.
  response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
}

function sendMalformed(response: ServerResponse, body: object): void {
  const whole = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json' }).end(whole.slice(0, whole.length / 2));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('The provider server has no port.');
  return address.port;
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
