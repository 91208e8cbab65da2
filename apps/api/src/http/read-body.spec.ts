import { Readable } from 'node:stream';
import { BodyReader, DISCARD_MAX_BYTES } from './read-body.js';

const MAX_BYTES = 32_768;

interface Read {
  readonly text: string;
  /** The most that was held at once. */
  readonly heldMostBytes: number;
  readonly movedBytes: number;
}

describe('reading a body', () => {
  const body = (bytes: number, chunkBytes = 1_000): Readable =>
    Readable.from(
      (function* () {
        for (let left = bytes; left > 0; left -= chunkBytes) yield Buffer.alloc(Math.min(left, chunkBytes), '7');
      })(),
    );
  const read = (stream: Readable, announcedBytes = 0, roomBytes = Number.POSITIVE_INFINITY): Promise<Read> =>
    new Promise((resolve, reject) => {
      let [heldBytes, heldMostBytes, movedBytes] = [0, 0, 0];
      const watch = {
        moved: (bytes: number) => void (movedBytes += bytes),
        hold: (bytes: number) => {
          heldBytes += bytes;
          heldMostBytes = Math.max(heldBytes, heldMostBytes);
          return heldBytes <= roomBytes;
        },
        release: () => void (heldBytes = 0),
      };
      const bounds = { announcedBytes, maxBytes: MAX_BYTES };
      const reader = new BodyReader(stream, bounds, watch, (refusal, bytes) =>
        refusal ? reject(refusal) : resolve({ text: bytes.toString(), heldMostBytes, movedBytes }),
      );
      reader.start();
    });

  it('takes as much as its call takes, announced or not, and holds no more than that', async () => {
    for (const announced of [0, MAX_BYTES])
      expect(await read(body(MAX_BYTES), announced)).toEqual({
        text: '7'.repeat(MAX_BYTES),
        heldMostBytes: MAX_BYTES,
        movedBytes: MAX_BYTES,
      });
  });

  it('refuses a byte more, and names the limit of the call', async () => {
    for (const announced of [0, MAX_BYTES + 1])
      await expect(read(body(MAX_BYTES + 1), announced)).rejects.toMatchObject({
        code: 'body_too_large',
        detail: expect.stringContaining('32 KiB'),
      });
  });

  it('holds of 30,000 chunks of one byte what it holds of one chunk', async () => {
    const one = await read(body(30_000, 30_000));
    expect(await read(body(30_000, 1))).toEqual({ ...one, heldMostBytes: MAX_BYTES });
  });

  it('keeps a body that comes in one chunk as it came', async () => {
    expect(await read(body(5_000, 5_000), 5_000)).toEqual({
      text: '7'.repeat(5_000),
      heldMostBytes: 5_000,
      movedBytes: 5_000,
    });
  });

  it('stops reading an endless one', async () => {
    let given = 0;
    const endless = Readable.from(
      (function* () {
        for (;;) {
          given += 65_536;
          yield Buffer.alloc(65_536);
        }
      })(),
    );
    await expect(read(endless)).rejects.toMatchObject({ code: 'body_too_large' });
    expect(given).toBeLessThanOrEqual(DISCARD_MAX_BYTES + 20 * 65_536);
  });

  it('reads nothing of one that is announced to be far too large, or for which there is no room', async () => {
    const unread = new Readable({ read: () => undefined });
    await expect(read(unread, DISCARD_MAX_BYTES + 1)).rejects.toMatchObject({ code: 'body_too_large' });
    await expect(read(unread, 10, 0)).rejects.toMatchObject({ code: 'service_unavailable' });
    await expect(read(unread, 0, 0)).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(unread.listenerCount('data')).toBe(0);
  });

  it('ends when no room is left in the middle', async () => {
    await expect(read(body(20_000), 0, 8_192)).rejects.toMatchObject({ code: 'service_unavailable' });
  });

  it('tells once that the client went away in the middle', async () => {
    const stream = new Readable({ read: () => undefined });
    const told: unknown[] = [];
    const watch = { moved: () => undefined, hold: () => true, release: () => undefined };
    new BodyReader(stream, { announcedBytes: 0, maxBytes: 10 }, watch, (refusal) => told.push(refusal)).start();
    stream.push('{"a":');
    stream.destroy(new Error('reset'));
    await new Promise((resolve) => stream.once('close', () => setImmediate(resolve)));
    expect(told).toEqual([expect.objectContaining({ code: 'malformed_request' })]);
  });
});
