import { connect } from 'node:net';
import type { Answer, Json } from '@edgechat/testing';

const ANSWERS_WITHIN_MS = 20_000;

/** Writes bytes to a server and reads its answer until it hangs up: for requests that no HTTP client would make. */
export function exchange(url: string, bytes: string | Uint8Array): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setTimeout(ANSWERS_WITHIN_MS, () => socket.destroy(new Error('no answer')));
    socket
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('error', reject)
      .on('close', () => resolve(parseAnswer(Buffer.concat(chunks))));
  });
}

/** A request as text, with `Connection: close`; `headers` are lines such as `X-Request-ID: a`, as often as they stand there. */
export function rawRequest(line: string, headers: readonly string[], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return `${line} HTTP/1.1\r\n${['Host: api.example', 'Connection: close', ...length, ...headers].map((one) => `${one}\r\n`).join('')}\r\n${body}`;
}

function parseAnswer(bytes: Buffer): Answer {
  const end = bytes.indexOf('\r\n\r\n');
  const [line = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Headers(
    lines.map((one): [string, string] => [one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 1).trim()]),
  );
  const text = bytes.subarray(end + 4).toString('utf8');
  const isJson = headers.get('content-type')?.includes('json') ?? false;
  return {
    status: Number(line.split(' ')[1]),
    headers,
    body: isJson && text !== '' ? (JSON.parse(text) as Json) : { text },
  };
}
