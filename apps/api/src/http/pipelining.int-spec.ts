import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { eventually } from '@edgechat/testing';
import { boundPipelining } from './pipelining.js';

describe('requests on one connection', () => {
  const open: ServerResponse[] = [];
  let server: Server;
  let counted = { closed: 0, hungUp: 0 };
  let socket: Socket;

  beforeEach(async () => {
    open.length = 0;
    // What a server before this one closes late is not counted here.
    const counts = { closed: 0, hungUp: 0 };
    counted = counts;
    server = createServer((_request, response) => {
      open.push(response);
      response.once('close', () => (counts.closed += 1));
    });
    boundPipelining(server, 16);
    server.on('connection', (connection) => connection.once('close', () => (counts.hungUp += 1)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  });
  afterEach(async () => {
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const send = (times: number): void => void socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(times));

  it('may wait for one another, and are answered in their order', async () => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    send(16);
    await eventually(() => open.length === 16);
    open.forEach((response, n) => response.end(`<${n}>`));
    await eventually(() => text.includes('<15>'));
    expect(text.match(/<\d+>/g)).toEqual(open.map((_, n) => `<${n}>`));
    send(1);
    await eventually(() => open.length === 17);
  });

  it('end with it when they are more than may be under way, however many come at once', async () => {
    send(5_000);
    await eventually(() => counted.hungUp === 1);
    expect(open).toHaveLength(16);
    await eventually(() => counted.closed === 16);
  });
});
