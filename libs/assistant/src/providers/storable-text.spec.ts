import { codePoints, isText } from '@edgechat/kernel';
import fc from 'fast-check';
import { storableText } from './storable-text.js';

describe('storableText', () => {
  it('leaves what can be stored as it is', () => {
    const text = 'Grüße 你好 👩‍👩‍👧\r\n\t\u0007 ';
    expect(storableText(text)).toEqual({ text, wasCut: false });
  });

  it('replaces NUL and lone surrogates one by one', () => {
    expect(storableText('a\0b\ud800c\udc00d😀').text).toBe('a\uFFFDb\uFFFDc\uFFFDd😀');
  });

  it('is storable and as long as before, whatever came', () => {
    const anyUnits = fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 })
      .map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(anyUnits, (text) => {
        const stored = storableText(text);
        expect(isText(stored.text)).toBe(true);
        expect(codePoints(stored.text)).toBe(codePoints(text));
      }),
    );
  });

  it('cuts at 100,000 code points, never through a pair', () => {
    expect(storableText('😀'.repeat(100_000)).wasCut).toBe(false);
    expect(storableText('😀'.repeat(100_001))).toEqual({ text: '😀'.repeat(100_000), wasCut: true });
    expect(storableText('a'.repeat(100_001)).text).toHaveLength(100_000);
  });
});
