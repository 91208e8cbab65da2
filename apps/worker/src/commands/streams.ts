import { createGunzip } from 'node:zlib';
import { BadDump } from '@edgechat/conversations';

/** Far above the longest line of a message; what is longer is no dump, and must not fill the memory. */
const LINE_MAX_BYTES = 16 * 1_048_576;
const NEWLINE = 0x0a;

/**
 * The lines of a gzipped stream in UTF-8, held one at a time.
 * @throws BadDump when it is not gzip, was cut or damaged, is not UTF-8, or a line has more than 16 MiB
 */
export async function* gunzippedLines(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  const gunzip = createGunzip();
  input.on('error', (error: Error) => gunzip.destroy(error));
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    for await (const bytes of lines(input.pipe(gunzip))) yield decoder.decode(bytes);
  } catch (error) {
    throw translate(error);
  }
}

async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, end)]);
      [parts, length, from] = [[], 0, end + 1];
    }
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > LINE_MAX_BYTES) throw new BadDump('This is no dump of messages: a line has more than 16 MiB.');
  }
  if (length > 0) yield Buffer.concat(parts);
}

function translate(error: unknown): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (code === 'Z_BUF_ERROR') return new BadDump('The dump was cut: the compressed stream ends in the middle.');
  if (code.startsWith('Z_')) return new BadDump('This is no gzipped dump, or it was damaged.');
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return new BadDump('This is no dump of messages: it has bytes that are not UTF-8.');
  return error;
}
