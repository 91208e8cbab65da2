import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';

// One question and one answer per connection, as JSON, over a socket in the run's folder: how the benchmark speaks with its generator and with the probe inside a measured process.

/** Answers questions at `path`, and keeps no process alive. `answers[name](argument)` gives the answer to `{ name, argument }`. */
export function answerAt(path, answers) {
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    socket.on('error', () => undefined);
    socket.on('end', () => void answer(text, answers).then((reply) => socket.end(JSON.stringify(reply))));
  });
  server.listen(path);
  return server;
}

async function answer(text, answers) {
  try {
    const { name, argument } = JSON.parse(text);
    return { value: (await answers[name](argument)) ?? null };
  } catch (error) {
    return { error: error.stack };
  }
}

/** @throws Error with what went wrong over there, or that nobody is there */
export function ask(path, name, argument = null) {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.end(JSON.stringify({ name, argument })));
    socket.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    socket.on('error', reject);
    socket.on('end', () => {
      const { value, error } = JSON.parse(text === '' ? '{"error":"no answer"}' : text);
      if (error === undefined) resolve(value);
      else reject(new Error(`${name}: ${error}`));
    });
  });
}
