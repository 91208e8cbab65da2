import { noWayHint } from './no-way-hint.js';

const failed = (code: string): Error => Object.assign(new Error(`getaddrinfo ${code} db.example.com`), { code });

describe('a store that migrate has no way to', () => {
  it.each(['EAI_AGAIN', 'ENETUNREACH'])('is said to need an overlay of the compose file (%s)', (code) => {
    expect(noWayHint(failed(code))).toMatch(/^ Is it outside .* docker\/compose\.managed\.yml/);
    expect(noWayHint(new Error('no server', { cause: failed(code) }))).toMatch(/docker\/compose\.managed\.yml/);
  });

  it.each([failed('ECONNREFUSED'), failed('28P01'), new Error('syntax error'), 'words', undefined])(
    'is not what %s speaks of',
    (error) => {
      expect(noWayHint(error)).toBe('');
    },
  );
});
