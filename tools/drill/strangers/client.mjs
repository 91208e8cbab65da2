import http from 'node:http';
import net from 'node:net';

const HOST = '127.0.0.1';

/** Connections of one address of the loopback network, kept open. Linux answers at all of 127.0.0.0/8, and so each address is somebody else. */
export function agentOf(address, maxSockets) {
  return new http.Agent({ keepAlive: true, maxSockets, localAddress: address });
}

/**
 * One call of a path under /api/v1, read to its end. Never throws.
 * @param {{ port: number, agent: http.Agent }} from
 * @param {{ token?: string, body?: object, key?: string, patienceMs?: number }} options
 * @returns {Promise<{ status: number, reason: string, body: object, ms: number }>} status 0: no answer came; `reason`: status and code
 */
export function call({ port, agent }, method, path, { token, body, key, patienceMs = 60_000 } = {}) {
  const beganAt = performance.now();
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve) => {
    const end = (status, answer, lost) => {
      clearTimeout(timer);
      const reason = status === 0 ? `no answer: ${lost}` : `${status} ${answer.code ?? ''}`.trim();
      resolve({ status, reason, body: answer, ms: performance.now() - beganAt });
    };
    const lose = (error) => end(0, {}, error.code ?? error.message);
    const options = { agent, host: HOST, port, method, path: `/api/v1${path}`, headers: headersOf(text, token, key) };
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', lose);
      response.on('end', () => end(response.statusCode, parsed(Buffer.concat(chunks))));
    });
    request.on('error', lose);
    const giveUp = () => request.destroy(new Error(`given up after ${patienceMs / 1_000} s`));
    const timer = setTimeout(giveUp, patienceMs);
    request.end(text);
  });
}

const headersOf = (text, token, key) => ({
  ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  ...(key === undefined ? {} : { 'idempotency-key': key }),
});

function parsed(bytes) {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return {};
  }
}

/** The beginning of a request as it stands on the wire, with the blank line that ends it. */
export const headOf = (method, path, headers) =>
  `${method} /api/v1${path} HTTP/1.1\r\nhost: drill\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

/**
 * A bare connection, and how it ended: the statuses of the answers that were seen, or that the server or the attacker ended it.
 * @param {{ port: number, address: string, holdMs: number, signal: AbortSignal, onread?: object }} options `holdMs`: it is ended after this long
 * @param {(socket: net.Socket, ended: () => boolean) => void} act called once it is connected
 * @returns {Promise<string>} a few words, the same for each of a kind
 */
export function connection({ port, address, holdMs, signal, onread }, act) {
  return new Promise((resolve) => {
    let seen = '';
    let ending = 'ended by the server';
    const socket = net.connect({ port, host: HOST, localAddress: address, onread }, () => act(socket, () => isOver));
    let isOver = false;
    const leave = (why) => () => {
      ending = why;
      socket.destroy();
    };
    const onAbort = leave('held to the end');
    const timer = setTimeout(leave(`held for ${holdMs / 1_000} s`), holdMs);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('data', (chunk) => {
      if (seen.length < 100_000) seen += chunk.toString('latin1', 0, 4_096);
    });
    socket.on('error', (error) => (ending = error.code ?? error.message));
    socket.on('close', () => {
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      const statuses = [...seen.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
      resolve(statuses.length === 0 ? ending : `answered ${[...new Set(statuses)].sort().join(' and ')}`);
    });
  });
}
