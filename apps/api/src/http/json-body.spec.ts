import { parseJson } from './json-body.js';

const parse = (text: string): unknown => parseJson(Buffer.from(text));
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('the JSON body parser', () => {
  it('takes an empty body for none', () => {
    expect(parse('')).toBeUndefined();
  });

  it.each(['{', '{"a":1,}', "{'a':1}", 'undefined', '"\u0000"'])('refuses broken JSON: %s', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'malformed_request' }));
  });

  it('refuses broken UTF-8', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0xfe, 0x22]))).toThrow(
      expect.objectContaining({ code: 'malformed_request' }),
    );
    // A surrogate as UTF-8 bytes is not UTF-8.
    expect(() => parseJson(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toThrow(
      expect.objectContaining({ code: 'malformed_request' }),
    );
  });

  it('takes 32 levels and refuses 33, and 100,000 at once', () => {
    expect(parse(nested(32))).toBeDefined();
    expect(() => parse(nested(33))).toThrow(expect.objectContaining({ code: 'malformed_request' }));
    expect(() => parse(nested(100_000))).toThrow(expect.objectContaining({ code: 'malformed_request' }));
  });

  it('does not count brackets inside texts', () => {
    const text = `${'['.repeat(100)} \\" ${'{'.repeat(100)}`;
    expect(parse(`{"a":"${text}"}`)).toEqual({ a: text.replace('\\"', '"') });
  });

  it.each([
    '{"__proto__":{"polluted":1},"a":1}',
    '{"\\u005f_proto__":{"polluted":1},"a":1}',
    '{"constructor":{"prototype":{"polluted":1}},"a":1}',
  ])('drops keys that reach a prototype: %s', (text) => {
    const value = parse(text);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(JSON.stringify(value)).toBe('{"a":1}');
    expect({}).not.toHaveProperty('polluted');
  });

  it('takes 10,000 values at most, and counts no comma of a text', () => {
    expect(parse(JSON.stringify(Array(10_000).fill(0)))).toHaveLength(10_000);
    expect(() => parse(JSON.stringify(Array(10_001).fill(0)))).toThrow(
      expect.objectContaining({ code: 'malformed_request' }),
    );
    expect(parse(JSON.stringify({ text: ','.repeat(20_000) }))).toEqual({ text: ','.repeat(20_000) });
  });

  it('keeps a text to the code point as it came', () => {
    const text = ' \t\r\n e\u0301 \ufeff 😀 ';
    expect(parse(JSON.stringify({ text }))).toEqual({ text });
  });
});
