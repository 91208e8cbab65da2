import { createServer } from 'node:http';

// Stands in for the API behind the proxy, to show what the proxy does with what an API can do. Runs in the API's container.

const calls = new Map();
let underWay = 0;

const answer = (response, status, body, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

/** By path; what is not here is answered with what came, once all of it has. */
const PATHS = {
  /** Refuses before it has read the body, whose rest it discards, as the API does. */
  '/early': (request, response) => {
    answer(response, 401, { refused: true });
    request.resume();
  },
  /** The connection breaks in the middle of a request. */
  '/broken': (request) => void request.socket.resetAndDestroy(),
  '/never': () => undefined,
  /** The first part of an answer that does not end. */
  '/events': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
  },
  '/state': (_request, response) => answer(response, 200, { underWay, calls: Object.fromEntries(calls) }),
};

const server = createServer((request, response) => {
  const [path] = request.url.split('?');
  calls.set(path, (calls.get(path) ?? 0) + 1);
  underWay += 1;
  response.on('close', () => (underWay -= 1));
  if (PATHS[path] !== undefined) return PATHS[path](request, response);
  let bytes = 0;
  request.on('data', (data) => (bytes += data.length)).on('error', () => undefined);
  request.on('end', () => answer(response, 200, { headers: request.headers, bytes }));
});
server.on('upgrade', (request, socket) => {
  const told = JSON.stringify(request.headers);
  socket.on('error', () => undefined).on('data', (data) => socket.write(`echo ${data}`));
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n${told}\n`);
});
server.listen(8000, '0.0.0.0', 4_096);
process.on('SIGTERM', () => process.exit());
