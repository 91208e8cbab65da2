import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that one connection may have under way. Browsers and HTTP libraries send the next one only after the answer. */
export const REQUESTS_MAX_PER_CONNECTION = 16;

export type UnderWay = (socket: Socket) => readonly ServerResponse[];

/**
 * Disconnects a client that sends more requests on one connection than may be under way: each costs memory until it was answered, however many come in one packet.
 * Call it when the server has its handler. Gives what tells the answers that are under way on a connection, the oldest first.
 */
export function boundPipelining(server: Server, max = REQUESTS_MAX_PER_CONNECTION): UnderWay {
  const handlers = server.listeners('request');
  const open = new WeakMap<Socket, Set<ServerResponse>>();
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    if (socket.destroyed) return;
    const answers = open.get(socket) ?? new Set();
    if (answers.size >= max) return void socket.destroy();
    if (!open.has(socket)) {
      open.set(socket, answers);
      socket.once('close', closerOf(answers));
    }
    answers.add(response);
    response.once('close', () => answers.delete(response));
    for (const handle of handlers) Reflect.apply(handle, server, [request, response]);
  });
  return (socket) => [...(open.get(socket) ?? [])];
}

/**
 * Node closes only the answer that is being written; those behind it would never end. (In a function of its own: what shares a scope with a request keeps that and its answer as long as the
 * connection is open.)
 */
function closerOf(answers: ReadonlySet<ServerResponse>): () => void {
  return () => answers.forEach((answer) => answer.emit('close'));
}
