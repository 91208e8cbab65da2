import { connect, type AddressInfo, type Socket } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { eventually } from '@edgechat/testing';
import { boundUnreadAnswers } from './unread-answers.js';

/** More than the kernel takes for a client that reads nothing. */
const LARGE = 16 * 1_048_576;

/** Bounds that are reached soon. */
const LIMITS = { maxBytes: 2.5 * LARGE, smallBytes: 65_536, timeoutMs: 300, lookEveryMs: 50 };

describe('answers that nobody reads', () => {
  let server: FastifyInstance;
  let answered = 0;
  let hungUp = 0;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    [answered, hungUp] = [0, 0];
    server = Fastify();
    boundUnreadAnswers(server, LIMITS);
    server.addHook('onSend', (_request, _reply, _payload, done) => {
      answered += 1;
      done();
    });
    server.server.on('connection', (socket) => socket.on('close', () => (hungUp += 1)));
    server.setErrorHandler((_error, _request, reply) => void reply.code(503).send('later'));
    server.get('/large', () => 'x'.repeat(LARGE));
    server.get('/small', () => 'x');
    await server.listen({ port: 0, host: '127.0.0.1' });
  });
  afterEach(async () => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    await server.close();
  });

  const port = (): number => (server.server.address() as AddressInfo).port;
  const status = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${port()}${path}`)).status;

  /** Asks, and reads nothing. */
  const ask = async (): Promise<Socket> => {
    const before = answered;
    const socket = connect(port(), '127.0.0.1')
      .pause()
      .on('error', () => undefined);
    sockets.push(socket);
    socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => answered > before, { everyMs: 5 });
    return socket;
  };

  it('end with their connection once nothing was read for a while', async () => {
    await ask();
    await eventually(() => hungUp === 1);
  });

  it('are bounded together: one large answer more is refused, a small one is not, and what ends makes room', async () => {
    const first = await ask();
    await ask();
    expect([await status('/large'), await status('/small')]).toEqual([503, 200]);
    first.destroy();
    await eventually(async () => (await status('/large')) === 200);
  });
});
