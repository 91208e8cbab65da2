import { prefersRepresentation } from './prefer.js';

const asks = (prefer: string | string[] | undefined): boolean => prefersRepresentation({ headers: { prefer } });

describe('a request prefers the result in the answer', () => {
  it.each([
    'return=representation',
    'Return = representation',
    'return="representation"',
    'respond-async, return=representation; foo="bar"',
    'wait=10,return=representation',
    'return=representation, return=minimal',
  ])('with Prefer: %s', (value) => expect(asks(value)).toBe(true));

  it('with one of several headers', () => expect(asks(['wait=10', 'return=representation'])).toBe(true));

  it.each([
    undefined,
    '',
    'return',
    'return=minimal',
    'return=minimal, return=representation',
    'return=representations',
    'return=REPRESENTATION',
    'returns=representation',
    'x=return=representation',
    'return==representation',
    'return="representation',
    ',;=",',
  ])('not with %s', (value) => expect(asks(value)).toBe(false));
});
