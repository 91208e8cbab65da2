import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from './test-certificate.js';

/** What a proxy was asked: `CONNECT host:port`, or `GET http://…` and the like. */
export interface Asked {
  readonly what: string;
  readonly headers: IncomingHttpHeaders;
}

export interface TestProxy {
  readonly port: number;
  readonly asked: Asked[];
  stop(): Promise<void>;
}

interface ProxyOptions {
  /** What `Proxy-Authorization` must be; without it everybody may. */
  readonly user?: string;
  /** Tunnels lead here, whoever is asked for. */
  readonly to?: number;
  readonly isTls?: boolean;
  /** It answers with this status instead. */
  readonly fails?: number;
}

/** A proxy that tunnels and forwards, and keeps what it was asked. */
export async function startProxy({ user, to, isTls = false, fails }: ProxyOptions = {}): Promise<TestProxy> {
  const asked: Asked[] = [];
  const sockets = new Set<Socket>();
  const refusal = ({ method = '', url = '', headers }: IncomingMessage): number | null => {
    asked.push({ what: `${method} ${url}`, headers });
    if (fails !== undefined) return fails;
    const isKnown = user === undefined || headers['proxy-authorization'] === basic(user);
    return isKnown ? null : 407;
  };
  const server = isTls ? createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_CERTIFICATE_KEY }) : createServer();
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    const status = refusal(incoming);
    if (status !== null) return void response.writeHead(status).end();
    const { 'proxy-authorization': _mine, ...headers } = incoming.headers;
    const onwards = request(incoming.url ?? '', { method: incoming.method ?? 'GET', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onwards);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    const status = refusal(incoming);
    socket.on('error', () => undefined);
    if (status !== null) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
    const tunnel = connect(to ?? 0, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      tunnel.pipe(socket).pipe(tunnel);
    });
    tunnel.on('error', () => socket.destroy());
  });
  const port = await listen(server, sockets);
  return { port, asked, stop: () => close(server, sockets) };
}

/** @returns the port; `sockets` holds what is open */
export async function listen(server: Server, sockets: Set<Socket>): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

export async function close(server: Server, sockets: Set<Socket>): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  for (const socket of sockets) socket.destroy();
  await closed;
}

export const basic = (user: string): string => `Basic ${Buffer.from(user).toString('base64')}`;
