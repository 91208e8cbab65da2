import fc from 'fast-check';
import { codePoints, cutText, isText } from './text.js';

describe('text', () => {
  it('counts code points, as Array.from does', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => codePoints(text) === Array.from(text).length));
    expect(codePoints('a😀\ud800b\udc00')).toBe(5);
  });

  it('is cut to code points and never in the middle of one', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.nat(50),
        (text, max) => cutText(text, max) === Array.from(text).slice(0, max).join(''),
      ),
    );
  });

  it('is what PostgreSQL and UTF-8 can keep', () => {
    expect(['', 'a\r\n\t\u0001', '😀', '\ufffd'].map(isText)).toEqual([true, true, true, true]);
    expect(['\0', 'a\0b', '\ud800', '\udc00x'].map(isText)).toEqual([false, false, false, false]);
  });
});
