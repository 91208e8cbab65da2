import { originIn } from './broken-http.js';

const of = (text: string): string | undefined => originIn(Buffer.from(text, 'latin1'));

describe('the origin in bytes that are no HTTP request', () => {
  it.each([
    ['among other headers', 'GET / HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nX: y\r\n\r\n'],
    ['in any case, with blanks around it', 'GET /\nORIGIN: \t https://app.example \t\nX: y\n'],
    ['at the beginning, where the bytes before it came earlier', 'origin:https://app.example\r\n'],
    ['at the end, without the end of its line', 'X: y\r\nOrigin: https://app.example'],
    ['behind that of an earlier request', 'Origin: https://a.example\r\n\r\nGET /\r\nOrigin: https://app.example\r\n'],
  ])('is found %s', (_, text) => {
    expect(of(text)).toBe('https://app.example');
  });

  it.each([
    ['there is none', 'NONSENSE\r\n\r\n'],
    ['there is nothing', ''],
    ['it is a part of another name', 'X-Origin: https://app.example\r\nOrigins: https://app.example\r\n'],
    ['it is in the path', 'GET /?Origin: https://app.example HTTP/1.1\r\n'],
  ])('is not found where %s', (_, text) => {
    expect(of(text)).toBeUndefined();
  });

  it.each([
    ['blanks', `Origin: ${' '.repeat(65_000)}x`],
    ['beginnings of the header', '\norigin'.repeat(9_000)],
    ['headers', '\nOrigin: a'.repeat(6_500)],
    ['bytes beyond a packet', `${'x'.repeat(70_000)}\nOrigin: https://app.example\n`],
  ])('is looked for in one pass: among %s', (_, text) => {
    expect(of(text)).not.toBe('https://app.example');
  });
});
