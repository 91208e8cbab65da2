import type { Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { eventually } from '@edgechat/testing';
import { aTestApp, type TestApp } from './test-app.js';

const OURS = 'https://app.example';
const EXPOSED = 'X-Request-ID, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed, Preference-Applied';
const LONG = `X-Long: ${'x'.repeat(20_000)}`;
const head = (line: string, ...headers: readonly string[]): string =>
  [`${line} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');
const JSON_BODY = ['Content-Type: application/json', 'Transfer-Encoding: chunked'];

/** Bytes that Node answers without a request, or in the middle of one; each with an Origin where there is a place for it. */
const BROKEN = (origin: string): readonly (readonly [string, number, string | Buffer])[] => [
  ['no HTTP at all', 400, `NONSENSE\r\nOrigin: ${origin}\r\n\r\n`],
  ['another version', 400, `GET / HTTP/9.9\r\nOrigin: ${origin}\r\n\r\n`],
  ['the beginning of HTTP/2', 400, `PRI * HTTP/2.0\r\nOrigin: ${origin}\r\n\r\nSM\r\n\r\n`],
  ['a length given twice', 400, head('GET /', `Origin: ${origin}`, 'Content-Length: 1', 'Content-Length: 2')],
  ['a length that is none', 400, head('POST /', `Origin: ${origin}`, 'Content-Length: x')],
  ['a length and chunks', 400, head('POST /', `Origin: ${origin}`, 'Content-Length: 1', 'Transfer-Encoding: chunked')],
  ['a header without a name', 400, head('GET /', `Origin: ${origin}`, ': x')],
  ['a header with NUL', 400, head('GET /', `Origin: ${origin}`, 'X: \0')],
  ['a header with blanks in its name', 400, head('GET /', `Origin: ${origin}`, 'X Y: z')],
  ['a path with NUL', 400, head('GET /\0', `Origin: ${origin}`)],
  ['broken chunks', 400, `${head('POST /api/v1/echo', `Origin: ${origin}`, ...JSON_BODY)}zz\r\n`],
  ['a long extension', 400, `${head('POST /api/v1/echo', `Origin: ${origin}`, ...JSON_BODY)}1;${'x'.repeat(20_000)}`],
  ['large headers, the origin first', 431, head('GET /', `Origin: ${origin}`, LONG)],
  ['large headers, the origin last', 431, head('GET /', LONG, `Origin: ${origin}`)],
  ['a large URL', 431, head(`GET /?x=${'x'.repeat(20_000)}`, `Origin: ${origin}`)],
  ['many headers', 431, head('GET /', `Origin: ${origin}`, ...Array<string>(3_000).fill('X-Many: yyy'))],
];
const NAMELESS: readonly (readonly [string, number, string | Buffer])[] = [
  ['a handshake of TLS', 400, Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])],
  ['no HTTP and no origin', 400, 'NONSENSE\r\n\r\n'],
];
/** Where the limit is reached before an origin came, one may still come. */
const UNTOLD = ['large headers and no origin', 431, head('GET /', LONG)] as const;

describe('what is no HTTP', () => {
  let edge: TestApp;
  let server: Server;
  const start = async (env: Record<string, string> = {}): Promise<void> => {
    edge = await aTestApp({ env });
    await edge.app.listen(0, '127.0.0.1');
    server = edge.app.getHttpServer();
  };
  afterEach(() => edge.app.close());

  const open = (): Socket => connect((server.address() as AddressInfo).port, '127.0.0.1');
  /** All that the server sends until it hangs up. */
  const textOf = (socket: Socket): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = '';
      socket
        .on('data', (chunk: Buffer) => (text += chunk.toString()))
        .on('error', reject)
        .on('close', () => resolve(text));
    });
  const exchange = (bytes: string | Buffer): Promise<string> => {
    const socket = open();
    socket.write(bytes);
    return textOf(socket);
  };

  /** Holds bytes to be one answer, a problem document, and nothing more; gives its headers. */
  const problem = (text: string, status: number): Headers => {
    const [top = '', body = ''] = text.split('\r\n\r\n');
    const [line, ...lines] = top.split('\r\n');
    const headers = new Headers(lines.map((one) => one.split(': ') as [string, string]));
    expect(line).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(body));
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    });
    expect(JSON.parse(body)).toMatchObject({
      status,
      code: status === 431 ? 'headers_too_large' : 'malformed_request',
      request_id: headers.get('x-request-id'),
    });
    return headers;
  };
  const corsOf = (headers: Headers): unknown[] =>
    ['access-control-allow-origin', 'access-control-expose-headers', 'vary'].map((name) => headers.get(name));

  it.each([...BROKEN(OURS), ...NAMELESS, UNTOLD])(
    'is open to a page of any origin by default: %s',
    async (_, status, bytes) => {
      await start();
      expect(corsOf(problem(await exchange(bytes), status))).toEqual(['*', EXPOSED, null]);
    },
  );

  it.each(BROKEN(OURS))('is open to the origins that may read: %s', async (_, status, bytes) => {
    await start({ CORS_ORIGINS: `https://b.example,${OURS}` });
    expect(corsOf(problem(await exchange(bytes), status))).toEqual([OURS, EXPOSED, 'Origin']);
  });

  it.each([...BROKEN('https://evil.example'), ...BROKEN(`${OURS}.evil.example`), ...NAMELESS])(
    'is closed to all others: %s',
    async (_, status, bytes) => {
      await start({ CORS_ORIGINS: OURS });
      expect(corsOf(problem(await exchange(bytes), status))).toEqual([null, null, 'Origin']);
    },
  );

  it.each([
    ['the only one', OURS, OURS],
    ['none of several', `https://b.example,${OURS}`, null],
  ])('is open to %s where the headers are too large before they name one', async (_, origins, open) => {
    await start({ CORS_ORIGINS: origins });
    const [, status, bytes] = UNTOLD;
    expect(corsOf(problem(await exchange(bytes), status))[0]).toBe(open);
  });

  /** Sends parts one after the other, each when the server has read the one before. */
  const inParts = async (...parts: readonly string[]): Promise<string> => {
    const there = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const socket = open();
    const text = textOf(socket);
    let sent = 0;
    for (const part of parts) {
      socket.write(part);
      sent += part.length;
      await eventually(async () => (await there).bytesRead >= sent, { everyMs: 5 });
    }
    return text;
  };

  it('is open to the only origin that may read, where the bytes that named it are gone', async () => {
    await start({ CORS_ORIGINS: OURS });
    const text = await inParts(`GET / HTTP/1.1\r\nHost: x\r\nOrigin: ${OURS}\r\n`, LONG);
    expect(corsOf(problem(text, 431))).toEqual([OURS, EXPOSED, 'Origin']);
  });

  it('is closed where the bytes that named it are gone, and there are several', async () => {
    await start({ CORS_ORIGINS: `${OURS},https://b.example` });
    const text = await inParts(`GET / HTTP/1.1\r\nHost: x\r\nOrigin: ${OURS}\r\n`, LONG);
    expect(corsOf(problem(text, 431))).toEqual([null, null, 'Origin']);
  });

  it('is open to the origin of the request whose body broke later', async () => {
    await start({ CORS_ORIGINS: `${OURS},https://b.example` });
    const text = await inParts(head('POST /api/v1/echo', `Origin: ${OURS}`, ...JSON_BODY), 'zz\r\n');
    expect(corsOf(problem(text, 400))).toEqual([OURS, EXPOSED, 'Origin']);
  });

  it('is answered when headers do not come in time', async () => {
    await start();
    const there = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const socket = open();
    const text = textOf(socket);
    socket.write('GET / HTTP/1.1\r\nHost');
    await eventually(async () => (await there).bytesRead > 0, { everyMs: 5 });
    // As Node does after 15 s.
    const late = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    server.emit('clientError', late, await there);
    expect(corsOf(problem(await text, 400))).toEqual(['*', EXPOSED, null]);
  });

  it('is answered after the requests before it, whose answers it does not touch', async () => {
    await start();
    const text = await exchange(`${head('GET /api/v1/echo')}${head('GET /api/v1/echo?limit=7')}NONSENSE\r\n\r\n`);
    const answers = text.split('HTTP/1.1 ').slice(1);
    expect(answers.map((answer) => answer.slice(0, 3))).toEqual(['200', '200', '400']);
    expect(answers[1]).toContain('"limit":7');
    problem(`HTTP/1.1 ${answers[2]}`, 400);
  });

  it('is read by a client that sends 200 KiB of headers, and cuts off one that does not end', async () => {
    await start();
    const socket = open();
    const text = textOf(socket);
    const flood = setInterval(() => socket.write('x'.repeat(16_384)), 1);
    socket.write(`${head('GET /', `Origin: ${OURS}`).slice(0, -2)}X-Long: ${'x'.repeat(200_000)}`);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await closed;
    clearInterval(flood);
    problem(await text.catch(() => ''), 431);
    expect(socket.bytesWritten).toBeLessThan(50_000_000);
  });
});
