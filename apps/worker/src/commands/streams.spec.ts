import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { BadDump } from '@edgechat/conversations';
import { gunzippedLines } from './streams.js';

async function linesOf(bytes: Buffer, chunkBytes = bytes.length): Promise<string[]> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / Math.max(chunkBytes, 1)) }, (_, n) =>
    bytes.subarray(n * chunkBytes, (n + 1) * chunkBytes),
  );
  const lines: string[] = [];
  for await (const line of gunzippedLines(Readable.from(chunks))) lines.push(line);
  return lines;
}

describe('the lines of a gzipped stream', () => {
  it('are whole, wherever the stream is cut into pieces', async () => {
    const lines = ['one', '', 'zwölf 𝕏 \u2028', 'the last'];
    const bytes = gzipSync(`${lines.join('\n')}\n`);

    for (const chunkBytes of [1, 7, bytes.length]) expect(await linesOf(bytes, chunkBytes)).toEqual(lines);
  });

  it('include a last one that was cut, for its reader to refuse', async () => {
    expect(await linesOf(gzipSync('one\ntw'))).toEqual(['one', 'tw']);
  });

  it('are refused, with a sentence, where the stream is cut, damaged, or something else', async () => {
    const good = gzipSync('a line\n'.repeat(10_000));
    const damaged = Buffer.from(good);
    damaged.fill(0xff, 30, 40);

    await expect(linesOf(good.subarray(0, -9))).rejects.toThrow('The dump was cut');
    await expect(linesOf(damaged)).rejects.toThrow(BadDump);
    await expect(linesOf(Buffer.from('plain text'))).rejects.toThrow('no gzipped dump');
    await expect(linesOf(gzipSync(Buffer.from([0xff, 0xfe, 0x0a])))).rejects.toThrow('not UTF-8');
  });

  it('do not fill the memory: one of more than 16 MiB is refused', async () => {
    await expect(linesOf(gzipSync(Buffer.alloc(20 * 1_048_576, 'x')))).rejects.toThrow('16 MiB');
  });

  it('are refused when nothing comes', async () => {
    await expect(linesOf(Buffer.alloc(0))).rejects.toThrow('The dump was cut');
  });
});
