import { noWayHint } from './no-way-hint.js';

const failed = (code: string, syscall = 'getaddrinfo'): Error =>
  Object.assign(new Error(`${syscall} ${code} db.example.com`), { code, syscall });

describe('a store that migrate has no way to', () => {
  it.each([
    ['EAI_AGAIN', 'getaddrinfo'],
    ['ENETUNREACH', 'connect'],
    ['ESERVFAIL', 'querySrv'],
    ['EREFUSED', 'querySrv'],
    ['ETIMEOUT', 'querySrv'],
  ])('is said to need an overlay of the compose file (%s, %s)', (code, syscall) => {
    const error = failed(code, syscall);
    expect(noWayHint(error)).toMatch(/^ Is it outside .* docker\/compose\.managed\.yml/);
    expect(noWayHint(new Error('no server', { cause: error }))).toMatch(/docker\/compose\.managed\.yml/);
  });

  it.each([
    failed('ECONNREFUSED'),
    failed('ETIMEOUT', 'connect'),
    failed('28P01'),
    new Error('syntax error'),
    'words',
    undefined,
  ])('is not what %s speaks of', (error) => {
    expect(noWayHint(error)).toBe('');
  });
});
