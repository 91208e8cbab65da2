import { connect } from 'node:net';

// Clients that mean harm, in a container of their own, so that they have an address of their own:
// node strangers.mjs KIND COUNT PATH HOLD_S opens COUNT connections to the service `proxy`, holds them for HOLD_S seconds at most, and tells what came of them.

const MIB = 1_048_576;
const [kind, count, path, holdS] = process.argv.slice(2);
const until = Date.now() + Number(holdS) * 1_000;
const told = { opened: 0, open: 0, statuses: {}, example: null };

/** What each of them sends, and whether it reads. */
const KINDS = {
  /** A body that lacks its last byte. */
  upload: {
    send: `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${MIB}\r\n\r\n${'x'.repeat(MIB - 1)}`,
    reads: true,
  },
  /** Asks, and takes nothing of the answer. */
  deaf: { send: `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, reads: false },
  ask: { send: `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer marked-token\r\n\r\n`, reads: true },
  /** Headers that do not end; each that is ended comes again. */
  half: { send: `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Never: `, reads: true, comesAgain: true },
};

function open({ send, reads, comesAgain = false }) {
  const socket = connect({ host: 'proxy', port: 8000 });
  told.opened += 1;
  told.open += 1;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    told.open -= 1;
    if (comesAgain && Date.now() < until) open({ send, reads, comesAgain });
  });
  socket.on('connect', () => socket.write(send));
  if (!reads) return socket.pause();
  socket.on('data', (data) => {
    const status = /^HTTP\/1\.1 (\d+)/.exec(data)?.[1];
    if (status === undefined) return;
    told.statuses[status] = (told.statuses[status] ?? 0) + 1;
    told.example = String(data);
  });
}

for (let n = 1; n <= Number(count); n += 1) {
  open(KINDS[kind]);
  // (Not more at once than wait to be accepted.)
  if (n % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
while (told.open > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 100));
console.log(JSON.stringify(told));
process.exit();
