import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { Refusal, Unavailable } from '@edgechat/kernel';
import { eventually } from '@edgechat/testing';
import { takeBodies } from './bodies.js';
import { DISCARD_MAX_BYTES } from './read-body.js';
import type { Transfers } from './transfers.js';

/** A pace that is soon missed, and one that no test misses. */
const SOON = { bytesPerS: 20_000, windowMs: 300, checkEveryMs: 30 };
const PATIENT = { ...SOON, windowMs: 600_000 };

interface Sender {
  readonly socket: Socket;
  /** What the server has answered so far. */
  readonly text: () => string;
}

describe('bodies that come', () => {
  let server: FastifyInstance;
  let held: Transfers;
  let served = 0;
  const sockets: Socket[] = [];
  const judgedBodies: unknown[] = [];

  const start = async ({ maxBytes = 1_000_000, unfinishedPerAddress = 50, pace = PATIENT } = {}): Promise<void> => {
    served = 0;
    judgedBodies.splice(0);
    server = Fastify();
    server.decorateRequest('caller', null);
    server.addHook('onRequest', async (request) => {
      const account = request.headers['x-account'];
      // As in the API, where a body of the same packet has come by the time that its call was counted.
      await setImmediate();
      if (typeof account === 'string') Object.assign(request, { caller: { accountId: account } });
    });
    held = takeBodies(server, { maxBytes, unfinishedPerAddress, pace });
    server.setErrorHandler((error, _request, reply) => {
      const code = error instanceof Refusal || error instanceof Unavailable ? error.code : 'bug';
      const waitS = error instanceof Refusal ? (error.options.retryAfterS ?? 0) : 0;
      void reply.code(400).send(`<${code}:${waitS}>`);
    });
    const judge = (request: FastifyRequest): void => {
      request.judgeBody = (body) => (judgedBodies.push(body), Promise.resolve());
    };
    const serve = (): string => {
      served += 1;
      return '<served>';
    };
    server.post('/', serve);
    server.get('/', serve);
    server.post('/judged', { onRequest: (request, _reply, done) => (judge(request), done()) }, serve);
    server.post('/large', { config: { bodyMaxBytes: 524_288 } }, serve);
    server.post('/refused', { onRequest: (_request, _reply, done) => done(new Refusal('unauthorized', '')) }, serve);
    await server.listen({ port: 0, host: '127.0.0.1' });
  };
  afterEach(async () => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    await server.close();
  });

  const port = (): number => (server.server.address() as AddressInfo).port;

  /** Sends the head of a request and the beginning of its body. */
  const send = (
    path: string,
    { length, body = '', account, method = 'POST' }: Sent,
    head = `Content-Length: ${length}`,
  ): Sender => {
    let text = '';
    const socket = connect(port(), '127.0.0.1').on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    sockets.push(socket);
    const lines = ['Host: x', 'Content-Type: application/json', head];
    if (account !== undefined) lines.push(`X-Account: ${account}`);
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
    return { socket, text: () => text };
  };

  const answerOf = ({ text }: Sender): Promise<string> =>
    eventually(() => /<.*>/.exec(text())?.[0] ?? false, { everyMs: 5 });
  const honest = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port()}/`, { method: 'POST', headers: JSON_TYPE, body: '{"a":1}' })).text();

  it('hold together no more than they may; whoever holds most loses the slowest, and others are served', async () => {
    await start({ maxBytes: 300_000 });
    const attackers: Sender[] = [];
    for (let n = 0; n < 20; n += 1)
      attackers.push(send('/large', { length: 524_288, body: `"${'x'.repeat(60_000)}`, account: 'attacker' }));
    await eventually(() => attackers.some(({ text }) => text().includes('service_unavailable')));
    expect(held.bytes).toBeLessThanOrEqual(300_000);
    for (let n = 0; n < 20; n += 1) expect(await honest()).toBe('<served>');
    expect(served).toBe(20);
    for (const { socket } of attackers) socket.destroy();
    await eventually(() => held.bytes === 0);
  });

  it('hold of a chunked body in pieces of one byte what they hold of its bytes', async () => {
    await start();
    const pieces = `1\r\n"\r\n${'1\r\nx\r\n'.repeat(30_000)}1\r\n"\r\n`;
    const slow = send('/', { length: 0, body: pieces }, 'Transfer-Encoding: chunked');
    await eventually(() => held.bytes === 32_768);
    slow.socket.write('0\r\n\r\n');
    expect(await answerOf(slow)).toBe('<served>');
    expect(held.bytes).toBe(0);
  });

  it('are so many from one address without a token; more wait, and those with a token or a whole body do not', async () => {
    await start({ unfinishedPerAddress: 3 });
    const unfinished = [1, 2, 3].map(() => send('/', { length: 100, body: '"x' }));
    await eventually(() => held.bytes === 300);
    expect(await answerOf(send('/', { length: 100, body: '"x' }))).toBe('<too_many_requests:1>');
    const known = send('/', { length: 10, body: '"x', account: 'a' });
    expect(await answerOf(send('/', { length: 3, body: '"x"' }))).toBe('<served>');
    known.socket.write('1234567"');
    expect(await answerOf(known)).toBe('<served>');
    unfinished[0]?.socket.destroy();
    await eventually(() => held.bytes === 200);
    await eventually(async () => {
      const next = send('/', { length: 10, body: '"x' });
      next.socket.write('1234567"');
      return (await answerOf(next)) === '<served>';
    });
  });

  it('that are judged take the place of the oldest unfinished one, and are judged once, whatever is with them', async () => {
    await start({ unfinishedPerAddress: 2 });
    const oldest = send('/judged', { length: 100, body: '"x' });
    await eventually(() => held.bytes === 100);
    const next = send('/judged', { length: 100, body: '"x' });
    await eventually(() => held.bytes === 200);
    const third = send('/judged', { length: 10, body: '"x' });
    expect(await answerOf(oldest)).toBe('<too_many_requests:1>');
    third.socket.write('1234567"');
    expect(await answerOf(third)).toBe('<served>');
    next.socket.destroy();
    expect(await answerOf(send('/judged', { length: 1, body: '{' }))).toBe('<malformed_request:0>');
    await eventually(() => held.bytes === 0);
    expect(judgedBodies.filter((body) => body !== undefined)).toEqual(['x1234567']);
    expect(judgedBodies).toHaveLength(4);
  });

  it('are for nobody when the limit is 0', async () => {
    await start({ maxBytes: 0 });
    expect(await honest()).toBe('<service_unavailable:0>');
    expect(await answerOf(send('/', { length: 3, body: '"x"', account: 'a' }))).toBe('<service_unavailable:0>');
    await server.close();
    await start({ unfinishedPerAddress: 0 });
    expect(await answerOf(send('/', { length: 3, body: '"x"' }))).toBe('<too_many_requests:1>');
    expect(await answerOf(send('/', { length: 3, body: '"x"', account: 'a' }))).toBe('<served>');
  });

  it('end, with an answer, when they do not keep the pace', async () => {
    await start({ pace: SOON });
    const slow = send('/', { length: 30_000, body: '"x' });
    const ended = new Promise<void>((resolve) => slow.socket.once('end', () => resolve()));
    expect(await answerOf(slow)).toBe('<malformed_request:0>');
    await ended;
    expect([held.bytes, served]).toEqual([0, 0]);
  });

  it('may take long when they keep the pace', async () => {
    await start({ pace: SOON });
    const beganAt = performance.now();
    const steady = send('/', { length: 30_000, body: '"' });
    for (let sent = 1; sent < 29_000; sent += 1_000) {
      steady.socket.write('x'.repeat(1_000));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    steady.socket.write(`${'x'.repeat(998)}"`);
    expect(await answerOf(steady)).toBe('<served>');
    expect(performance.now() - beganAt).toBeGreaterThan(2 * SOON.windowMs);
  });

  it.each([
    ['a refused call', '/refused', 'POST', '<unauthorized:0>'],
    ['a call of GET', '/', 'GET', '<served>'],
    ['a body that is too large', '/', 'POST', '<body_too_large:0>'],
  ])('are discarded after the answer to %s: at a pace, and not without end', async (_, path, method, expected) => {
    await start({ pace: SOON });
    const length = DISCARD_MAX_BYTES * 100;
    const idle = send(path, { length, method });
    expect(await answerOf(idle)).toBe(expected);
    await eventually(() => idle.socket.destroyed || idle.socket.readableEnded);

    const busy = send(path, { length, method });
    let sentBytes = 0;
    expect(await answerOf(busy)).toBe(expected);
    await eventually(
      () => {
        while (!busy.socket.destroyed && busy.socket.write(Buffer.alloc(65_536))) sentBytes += 65_536;
        return busy.socket.destroyed;
      },
      { everyMs: 1 },
    );
    expect(sentBytes).toBeLessThan(DISCARD_MAX_BYTES * 10);
  });

  it('leave the connection as it was when the rest of a refused one comes', async () => {
    await start();
    const refused = send('/refused', { length: 100_000, body: 'x'.repeat(50_000) });
    expect(await answerOf(refused)).toBe('<unauthorized:0>');
    refused.socket.write(`${'x'.repeat(50_000)}GET / HTTP/1.1\r\nHost: x\r\n\r\n`);
    await eventually(() => refused.text().endsWith('<served>'));
  });
});

interface Sent {
  readonly length: number;
  readonly body?: string;
  readonly account?: string;
  readonly method?: string;
}

const JSON_TYPE = { 'content-type': 'application/json' };
