import { Unavailable } from '@edgechat/kernel';
import type { Connection } from 'mongoose';
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

  it('that fails otherwise is a bug, and flies as it is', async () => {
    const bug = new TypeError('not a function');

    await expect(new Mongo(connected).run('test', () => Promise.reject(bug))).rejects.toBe(bug);
  });
});
