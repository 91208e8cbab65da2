import { connection, headOf } from '../client.mjs';

const PIPELINED = 1_000;
const HELD_MS = 30_000;
const A_BYTE_EVERY_MS = 500;

/** What is no HTTP, headers that are too large, and 1,000 requests in a row on one connection. */
export function brokenHttp({ attackers, addresses, port, signal }) {
  const [{ token, address: own }] = attackers.pipes;
  const many = headOf('GET', '/auth/me', { authorization: `Bearer ${token}` }).repeat(PIPELINED);
  const BYTES = [
    'GET / HTTP/9.9\r\n\r\n',
    '\u0000\u0001\u0002\r\n\r\n',
    headOf('GET', '/auth/me', { 'x-large': 'x'.repeat(20_000) }),
    headOf('POST', '/auth/login', { 'content-length': '5', 'transfer-encoding': 'chunked' }),
    headOf('GET', '/chat/conversations', { authorization: 'Bearer x', cookie: 'y'.repeat(15_000) }),
    many,
  ];
  return {
    name: 'broken HTTP and pipelines',
    perSecond: 3,
    underWayMax: 50,
    act(n) {
      const bytes = BYTES[n % BYTES.length];
      const address = bytes === many ? own : addresses[n % addresses.length];
      return connection({ port, address, holdMs: 10_000, signal }, (socket) => socket.write(bytes));
    },
  };
}

/** Headers that come a byte at a time. */
export function slowHeaders({ addresses, port, signal }) {
  return {
    name: 'slow headers',
    perSecond: 3,
    burst: 6,
    underWayMax: 100,
    act: (n) =>
      connection({ port, address: addresses[n % addresses.length], holdMs: HELD_MS, signal }, (socket, isOver) => {
        socket.write('GET /api/v1/auth/me HTTP/1.1\r\nx-slow: ');
        const timer = setInterval(() => {
          if (isOver()) clearInterval(timer);
          else socket.write('x');
        }, A_BYTE_EVERY_MS);
      }),
  };
}
