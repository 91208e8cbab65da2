import { stat } from 'node:fs/promises';
import { repeat, Unavailable } from '@edgechat/kernel';
import { mongo as driver, type Connection } from 'mongoose';
import { Mongo } from './mongo.js';

const connected = { readyState: 1 } as Connection;

describe('a call to MongoDB', () => {
  it.each(['EPIPE', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT'])(
    'whose socket ends in the middle of it (%s) is an outage, not a bug',
    async (code) => {
      const ended = Object.assign(new Error('This socket has been ended by the other party'), { code });

      await expect(new Mongo(connected).run('test', () => Promise.reject(ended))).rejects.toThrow(Unavailable);
    },
  );

  it.each([
    ['InternalError', 1],
    ['UnknownError', 8],
    ['OutOfDiskSpace', 14_031],
  ])(
    'that a server cannot do because it cannot work, as with a full disk, is an outage: %s',
    async (codeName, code) => {
      const full = new driver.MongoServerError({ message: 'internal server error', code, codeName });

      await expect(new Mongo(connected).run('test', () => Promise.reject(full))).rejects.toThrow(Unavailable);
    },
  );

  it('that fails otherwise is a bug, and flies as it is', async () => {
    const bug = new TypeError('not a function');

    await expect(new Mongo(connected).run('test', () => Promise.reject(bug))).rejects.toBe(bug);
  });
});

describe('a call that is late', () => {
  const MIB = 1_048_576;
  const never = (): Promise<never> => new Promise(() => undefined);
  const outOfTime = (): Promise<never> => Promise.reject(new driver.MongoServerError({ code: 50, message: 'late' }));
  const cut = (): Promise<never> => Promise.reject(new driver.MongoNetworkError('cut'));
  /** What a stranger's small call meets afterwards: whether it is made at all. */
  const isMadeAfter = async (work: () => Promise<never>, expectedBytes: number): Promise<boolean> => {
    const mongo = new Mongo(connected);
    let isMade = false;
    await expect(mongo.run('late', work, { expectedBytes })).rejects.toThrow(Unavailable);
    const mark = (): Promise<boolean> => Promise.resolve((isMade = true));
    await mongo.run('stranger', mark).catch(() => undefined);
    return isMade;
  };

  it.each([
    ['by our clock', never],
    ["by the server's", outOfTime],
  ])('with a large answer, takes MongoDB from nobody; with a small one it shows an outage: %s', async (_, work) => {
    expect(await isMadeAfter(work, 2 * MIB)).toBe(true);
    expect(await isMadeAfter(work, MIB)).toBe(false);
  });

  let others = { stop: (): Promise<void> => Promise.resolve() };
  afterEach(() => others.stop());
  /** Calls of others, which the server answers. */
  const callOften = (mongo: Mongo): void => {
    others = repeat(
      100,
      () => mongo.run('others', () => Promise.resolve()),
      () => undefined,
    );
  };
  const after = <T>(ms: number, value: T): Promise<T> => new Promise((resolve) => setTimeout(resolve, ms, value));

  it('is waited for while the server answers others, and is no outage even when that is too long', async () => {
    const mongo = new Mongo(connected);
    callOften(mongo);

    expect(await mongo.run('slow', () => after(1_600, 'here'))).toBe('here');
    await expect(mongo.run('slow', never)).rejects.toThrow(Unavailable);
    expect(await mongo.run('stranger', () => Promise.resolve('served'))).toBe('served');
  }, 20_000);

  it('with a large answer is not waited for longer', async () => {
    const mongo = new Mongo(connected);
    callOften(mongo);

    await expect(mongo.run('slow', () => after(1_600, 'here'), { expectedBytes: 2 * MIB })).rejects.toThrow(
      Unavailable,
    );
  }, 20_000);

  it('shows an outage once the server answers nobody any more', async () => {
    const mongo = new Mongo(connected);
    await mongo.run('others', () => Promise.resolve());

    await expect(mongo.run('slow', never)).rejects.toThrow(Unavailable);
    await expect(mongo.run('stranger', () => Promise.resolve('served'))).rejects.toThrow(Unavailable);
  }, 20_000);

  it('because this process was busy is answered: what came meanwhile is read first', async () => {
    // Busy in a callback of I/O: after it come the timers, and only then what can be read.
    const busy = async (): Promise<unknown> => {
      await stat(import.meta.filename);
      const read = stat(import.meta.filename);
      for (const until = performance.now() + 1_300; performance.now() < until;);
      return await read;
    };

    expect(await new Mongo(connected).run('busy', busy)).toMatchObject({ size: expect.any(Number) });
  }, 20_000);

  it('is told from one whose connection ended: that is an outage, however large the answer', async () => {
    expect(await isMadeAfter(cut, 2 * MIB)).toBe(false);
  });
});
