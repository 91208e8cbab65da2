import { get } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import Fastify, { type FastifyInstance } from 'fastify';
import { eventually } from '@edgechat/testing';
import type { Transfers } from './transfers.js';
import { boundUnreadAnswers } from './unread-answers.js';

/** More than the kernel takes for a client that reads nothing. */
const LARGE = 16 * 1_048_576;

/** Bounds that are reached soon. */
const PACE = { bytesPerS: 65_536, windowMs: 300, checkEveryMs: 50 };

describe('answers that nobody reads', () => {
  let server: FastifyInstance;
  let held: Transfers;
  let counted = { answered: 0, hungUp: 0, worked: 0 };
  const sockets: Socket[] = [];

  const start = async (limits: { maxBytes: number; maxBytesPerCaller: number; windowMs?: number }): Promise<void> => {
    const own = { answered: 0, hungUp: 0, worked: 0 };
    counted = own;
    server = Fastify();
    server.decorateRequest('caller', null);
    server.addHook('onRequest', (request, _reply, done) => {
      const account = request.headers['x-account'];
      if (typeof account === 'string') Object.assign(request, { caller: { accountId: account } });
      done();
    });
    held = boundUnreadAnswers(server, { ...limits, pace: { ...PACE, windowMs: limits.windowMs ?? PACE.windowMs } });
    server.addHook('onSend', (_request, _reply, _payload, done) => {
      own.answered += 1;
      done();
    });
    server.server.on('connection', (socket) => socket.on('close', () => (own.hungUp += 1)));
    server.setErrorHandler((_error, _request, reply) => void reply.code(503).send('later'));
    server.get<{ Params: { bytes: string } }>('/:bytes', ({ params }) => 'x'.repeat(Number(params.bytes)));
    server.get<{ Params: { bytes: string } }>('/page/:bytes', ({ params }, reply) => {
      reply.takeRoom(Number(params.bytes));
      own.worked += 1;
      return 'x'.repeat(Number(params.bytes));
    });
    server.get<{ Params: { bytes: string } }>('/less/:bytes', ({ params }, reply) => {
      reply.takeRoom(Number(params.bytes));
      return 'x';
    });
    server.get<{ Params: { bytes: string } }>('/failed/:bytes', ({ params }, reply) => {
      reply.takeRoom(Number(params.bytes));
      throw new Error('failed');
    });
    server.get('/wide', () => '\u092c'.repeat(400_000));
    server.get('/stream', () =>
      Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(65_536);
        })(),
      ),
    );
    await server.listen({ port: 0, host: '127.0.0.1' });
  };
  afterEach(async () => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    await server.close();
  });

  const port = (): number => (server.server.address() as AddressInfo).port;
  const fetched = (path: number | string, account: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port()}/${path}`, { headers: { 'x-account': account } });
  const status = async (path: number | string, account: string): Promise<number> => {
    const answer = await fetched(path, account);
    await answer.arrayBuffer();
    return answer.status;
  };

  /** Asks, and reads nothing. */
  const ask = async (path: number | string, account: string, times = 1): Promise<Socket> => {
    const before = counted.answered;
    const socket = connect(port(), '127.0.0.1')
      .pause()
      .on('error', () => undefined);
    sockets.push(socket);
    socket.write(`GET /${path} HTTP/1.1\r\nHost: x\r\nX-Account: ${account}\r\n\r\n`.repeat(times));
    await eventually(() => counted.answered > before, { everyMs: 5 });
    return socket;
  };

  const ROOMY = { maxBytes: 10 * LARGE, maxBytesPerCaller: 10 * LARGE };

  it.each<[string, number | string]>([
    ['a large answer', LARGE],
    ['a stream', 'stream'],
  ])('end with their connection once the pace was not kept: %s', async (_, path) => {
    await start(ROOMY);
    await ask(path, 'a');
    await eventually(() => counted.hungUp === 1);
    expect(held.bytes).toBe(0);
  });

  it('end, small ones too, when they are many', async () => {
    await start(ROOMY);
    await ask(10_000, 'a', 2_000);
    await eventually(() => counted.hungUp === 1);
    await ask(60_000, 'a', 500);
    await eventually(() => counted.hungUp === 2, { withinMs: 5_000 });
    await eventually(() => held.bytes === 0);
  });

  it('are counted in the bytes that are held', async () => {
    await start({ ...ROOMY, windowMs: 60_000 });
    await ask(LARGE, 'a');
    expect(held.bytes).toBe(LARGE);
    expect(new TextDecoder().decode(await (await fetched('wide', 'b')).arrayBuffer())).toBe('\u092c'.repeat(400_000));
    await eventually(() => held.bytes === LARGE);
  });

  it('are one account’s own loss: over its share it is refused, others and small answers are not, and what ends makes room', async () => {
    await start({ maxBytes: 10 * LARGE, maxBytesPerCaller: 1.5 * LARGE, windowMs: 60_000 });
    const first = await ask(LARGE, 'a');
    expect(await status(LARGE, 'a')).toBe(503);
    expect([await status(65_536, 'a'), await status(10, 'a'), await status(LARGE, 'b')]).toEqual([200, 200, 200]);
    expect(counted.hungUp).toBe(0);
    first.destroy();
    await eventually(async () => (await status(LARGE, 'a')) === 200);
  });

  it('are no reason for work where there is no room for them: those of one who has its share, and what is more than all may have', async () => {
    await start({ maxBytes: 2.5 * LARGE, maxBytesPerCaller: 2 * LARGE, windowMs: 60_000 });
    const unread = await ask(`page/${LARGE}`, 'ada');
    expect(await status(`page/${LARGE}`, 'ada')).toBe(503);
    expect(counted.worked).toBe(1);
    expect([await status('page/70000', 'ada'), await status(70_000, 'ada')]).toEqual([200, 200]);
    await ask(`page/${LARGE}`, 'ben');
    expect(await status(`page/${LARGE}`, 'cy')).toBe(503);
    expect(counted.worked).toBe(3);

    unread.destroy();
    expect(await status(`page/${LARGE}`, 'cy')).toBe(200);
    expect(held.bytes).toBe(LARGE);
  });

  it('let go of room that was taken for them when they become smaller, or fail', async () => {
    await start({ ...ROOMY, windowMs: 60_000 });
    expect(await status(`less/${LARGE}`, 'ada')).toBe(200);
    expect(await status(`failed/${LARGE}`, 'ada')).toBe(503);
    await eventually(() => held.bytes === 0);
  });

  it('are given once to each account, whatever its share', async () => {
    await start({ maxBytes: 10 * LARGE, maxBytesPerCaller: 1, windowMs: 60_000 });
    expect(await status(LARGE, 'a')).toBe(200);
  });

  it('make room for those who hold less, who get their answers', async () => {
    await start({ maxBytes: 3.5 * LARGE, maxBytesPerCaller: 10 * LARGE, windowMs: 60_000 });
    for (let n = 0; n < 3; n += 1) await ask(LARGE, 'attacker');
    expect(held.bytes).toBe(3 * LARGE);
    expect(await status(LARGE, 'honest')).toBe(200);
    expect(counted.hungUp).toBe(1);
    await eventually(() => held.bytes === 2 * LARGE);
  });

  it('are for nobody when the limit is 0, but for small ones', async () => {
    await start({ maxBytes: 0, maxBytesPerCaller: 10 * LARGE });
    expect([await status(65_537, 'a'), await status(65_536, 'a'), await status(1, 'a')]).toEqual([503, 200, 200]);
  });

  it('go whole to a client that reads slowly and keeps the pace', async () => {
    await start({ ...ROOMY, windowMs: 1_000 });
    const bytes = await new Promise<number>((resolve, reject) => {
      let read = 0;
      get(`http://127.0.0.1:${port()}/${LARGE}`, (answer) => {
        expect(answer.headers['content-length']).toBe(String(LARGE));
        answer.on('data', (chunk: Buffer) => {
          read += chunk.length;
          answer.pause();
          setTimeout(() => answer.resume(), 5);
        });
        answer.on('end', () => resolve(read)).on('error', reject);
      }).on('error', reject);
    });
    expect(bytes).toBe(LARGE);
    await eventually(() => held.bytes === 0);
  });

  it('have their length, and none of their bytes for HEAD', async () => {
    await start(ROOMY);
    for (const bytes of [1, 16_384, 16_385, 65_536, 65_537, 300_001]) {
      const whole = await fetched(bytes, 'a');
      expect([whole.headers.get('content-length'), (await whole.text()).length]).toEqual([String(bytes), bytes]);
      const head = await fetch(`http://127.0.0.1:${port()}/${bytes}`, { method: 'HEAD' });
      expect([head.headers.get('content-length'), await head.text()]).toEqual([String(bytes), '']);
      const closing = await fetch(`http://127.0.0.1:${port()}/${bytes}`, { headers: { connection: 'close' } });
      expect((await closing.text()).length).toBe(bytes);
    }
    await eventually(() => held.bytes === 0);
  });
});
