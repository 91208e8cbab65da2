import { hintAbout, ownWords } from './own-words.js';

const failed = (servers: unknown): Error =>
  Object.assign(new Error('Server selection timed out after 3000 ms'), { reason: { servers } });

describe('why MongoDB cannot be reached', () => {
  it('is what the first server failed with that was tried', () => {
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:1');
    const servers = new Map<string, unknown>([
      ['a:1', { error: null }],
      ['b:1', { error: refused }],
    ]);
    expect(ownWords(failed(servers))).toBe(refused);
    expect(hintAbout(failed(servers))).toBeUndefined();
  });

  it.each([[new Map()], [{}], [null], [new Map([['a:1', null]])]])(
    'is the error itself where none says why: %p',
    (servers) => {
      const error = failed(servers);
      expect(ownWords(error)).toBe(error);
      expect(hintAbout(error)).toMatch(/another server/);
    },
  );
});
