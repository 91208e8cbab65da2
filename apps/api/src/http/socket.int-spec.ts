import { connect, type AddressInfo } from 'node:net';
import { aTestApp, type TestApp } from './test-app.js';

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ReturnType<JSON['parse']>;
}

/** What only shows on a real connection: bytes that are no HTTP, headers given twice, uploads that are refused half-way. */
describe('the HTTP edge on a socket', () => {
  let edge: TestApp;
  let port: number;
  beforeAll(async () => {
    edge = await aTestApp();
    await edge.app.listen(0, '127.0.0.1');
    port = (edge.app.getHttpServer().address() as AddressInfo).port;
  });
  afterAll(() => edge.app.close());

  const raw = (bytes: string | Buffer): Promise<RawAnswer> =>
    new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      socket
        .on('data', (chunk) => chunks.push(chunk))
        .on('error', reject)
        .on('close', () => resolve(parseAnswer(Buffer.concat(chunks).toString('utf8'))));
    });

  const parseAnswer = (text: string): RawAnswer => {
    const [head = '', body = ''] = text.split(/\r\n\r\n([\s\S]*)/);
    const [line = '', ...headers] = head.split('\r\n');
    return {
      status: Number(line.split(' ')[1]),
      headers: Object.fromEntries(
        headers.map((one) => [one.split(':')[0]?.toLowerCase(), one.slice(one.indexOf(':') + 2)]),
      ),
      body: body === '' ? null : JSON.parse(body),
    };
  };

  const request = (line: string, headers: readonly string[], body = ''): string =>
    `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers.map((one) => `${one}\r\n`).join('')}\r\n${body}`;

  const expectProblem = (answer: RawAnswer, status: number, code: string): void => {
    expect(answer).toMatchObject({
      status,
      headers: { 'content-type': 'application/problem+json' },
      body: { status, code, detail: expect.any(String) },
    });
    expect(answer.headers['x-request-id']).toBe(answer.body.request_id);
  };

  it('answers what is no HTTP with 400, and headers over 16 KiB with 431', async () => {
    expectProblem(await raw('NONSENSE\r\n\r\n'), 400, 'malformed_request');
    expectProblem(
      await raw('GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
      400,
      'malformed_request',
    );
    expectProblem(await raw(request('GET /api/v1/echo', [`X-Long: ${'x'.repeat(20_000)}`])), 431, 'headers_too_large');
    expectProblem(await raw(request(`GET /api/v1/echo?x=${'x'.repeat(20_000)}`, [])), 431, 'headers_too_large');
    expectProblem(await raw('GET /api/v1/echo HTTP/1.1\r\nConnection: close\r\n\r\n'), 400, 'malformed_request');
  });

  it.each(['Authorization: Bearer good-1', 'Idempotency-Key: a', 'Content-Type: application/json'])(
    'refuses %s given twice, also when both are the same',
    async (header) => {
      const second = header.replace(/^\w/, (letter) => letter.toLowerCase());
      expectProblem(
        await raw(request('POST /api/v1/echo', [header, second, 'Content-Length: 15'], '{"content":"x"}')),
        400,
        'malformed_request',
      );
    },
  );

  it('makes an id of its own when two were given', async () => {
    const answer = await raw(request('GET /nowhere', ['X-Request-ID: a', 'X-Request-ID: b']));
    expectProblem(answer, 404, 'route_not_found');
    expect(answer.body.request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each(['TRACE', 'PROPFIND', 'PURGE', 'QUERY'])('answers the method %s with 405', async (method) => {
    expectProblem(await raw(request(`${method} /api/v1/echo`, [])), 405, 'method_not_allowed');
  });

  it('takes no notice of an unknown expectation or a wish to upgrade', async () => {
    const answer = await raw(request('GET /api/v1/echo', ['Expect: the-unexpected']));
    expect(answer.status).toBe(200);
    const upgraded = await raw(
      'GET /api/v1/echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n',
    );
    expect(upgraded.status).toBe(200);
  });

  it('lets a client that sends 2 MiB read its 413', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ content: 'x'.repeat(2_097_152) }),
    });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: 'body_too_large' });
  });

  it('refuses a chunked body over 1 MiB, and takes a small one', async () => {
    const chunked = (body: string): string =>
      request(
        'POST /api/v1/echo',
        ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
        `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      );
    expectProblem(await raw(chunked(`{"content":"${'x'.repeat(1_048_576)}"}`)), 413, 'body_too_large');
    expect(await raw(chunked('{"content":"x"}'))).toMatchObject({ status: 201, body: { content: 'x' } });
  });

  it('survives a client that goes away in the middle of a body', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          request('POST /api/v1/echo', ['Content-Type: application/json', 'Content-Length: 1000'], '{"con'),
          () => socket.destroy(),
        ),
      );
      socket.on('close', () => resolve());
    });
    expect((await fetch(`http://127.0.0.1:${port}/api/v1/echo`)).status).toBe(200);
    expect(edge.logged).toEqual([]);
  });
});
