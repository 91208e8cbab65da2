import { connection, headOf } from '../client.mjs';

const HELD_MS = 60_000;
const ONE_BYTE_EVERY_MS = 5_000;
/** An answer that is cut off in its middle has given this much. */
const CUT_BYTES = 500_000;

/** Pages of 9.6 MB: read by nobody, read a byte at a time, cut off in the middle, or read to the end. */
export function pages({ attackers, large, port, signal, call }) {
  const WAYS = [unread, unread, byByte, cutOff, 'whole'];
  const path = `/chat/conversations/${large}/messages?skip=0&limit=100`;
  return {
    name: 'large pages',
    perSecond: 8,
    burst: 4,
    underWayMax: 200,
    act(n) {
      const account = attackers.pages[n % attackers.pages.length];
      const way = WAYS[n % WAYS.length];
      if (way === 'whole') return call(account, 'GET', path);
      const head = headOf('GET', path, { authorization: `Bearer ${account.token}` });
      return way({ port, address: account.address, holdMs: HELD_MS, signal }, head);
    },
  };
}

const unread = (options, head) =>
  connection(options, (socket) => {
    socket.pause();
    socket.write(head);
  });

function byByte(options, head) {
  let socket;
  const onread = {
    buffer: Buffer.alloc(1),
    callback() {
      setTimeout(() => socket.resume(), ONE_BYTE_EVERY_MS);
      return false;
    },
  };
  return connection({ ...options, onread }, (opened) => {
    socket = opened;
    socket.write(head);
  });
}

const cutOff = (options, head) =>
  connection(options, (socket) => {
    let bytes = 0;
    socket.write(head);
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > CUT_BYTES) socket.resetAndDestroy();
    });
  });
