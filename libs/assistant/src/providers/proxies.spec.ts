import { inspect } from 'node:util';
import { proxiesOf, type ProxySettings } from './proxies.js';

const BOTH: ProxySettings = {
  httpsProxy: 'http://ada:p%40ss-7f3a@secure.example:3128',
  httpProxy: 'http://plain.example',
  noProxy: [],
};

const origin = (url: string, settings: Partial<ProxySettings> = {}): string | undefined =>
  proxiesOf({ ...BOTH, ...settings })(new URL(url))?.origin;

describe('the proxy of a URL', () => {
  it('is that of its scheme, and none where that is not set', () => {
    expect(origin('https://api.example/v1')).toBe('http://secure.example:3128');
    expect(origin('http://api.example/v1')).toBe('http://plain.example');
    expect(origin('https://api.example', { httpsProxy: undefined })).toBeUndefined();
    expect(origin('http://api.example', { httpProxy: '' })).toBeUndefined();
  });

  it('is there for this machine too, as curl has it', () => {
    expect(['http://127.0.0.1:11434', 'http://localhost', 'http://[::1]'].map((url) => origin(url))).toEqual(
      Array(3).fill('http://plain.example'),
    );
  });

  it('is told user and password in a header, unescaped, and shows them nowhere', () => {
    const proxyFor = proxiesOf(BOTH);
    expect(proxyFor(new URL('https://api.example'))?.authorization).toBe(
      `Basic ${Buffer.from('ada:p@ss-7f3a').toString('base64')}`,
    );
    expect(proxyFor(new URL('http://api.example'))?.authorization).toBeNull();
    expect(inspect(proxyFor, { depth: 9, showHidden: true })).not.toContain('7f3a');
    expect(proxyFor(new URL('https://api.example'))?.origin).not.toContain('ada');
  });

  it.each([
    ['http://ada@h:1', 'ada:'],
    ['http://:secret@h:1', ':secret'],
    ['http://ü:ö@h:1', 'ü:ö'],
  ])('takes a user without a password and the other way round: %s', (httpsProxy, user) => {
    const proxy = proxiesOf({ ...BOTH, httpsProxy })(new URL('https://api.example'));
    expect(proxy?.authorization).toBe(`Basic ${Buffer.from(user).toString('base64')}`);
  });
});

describe('NO_PROXY', () => {
  const isExempt = (entry: string, url: string): boolean =>
    origin(url, { noProxy: entry.split(/[\s,]+/).filter((item) => item !== '') }) === undefined;

  it.each([
    ['example.com', 'https://example.com/v1'],
    ['example.com', 'https://api.example.com'],
    ['.example.com', 'https://api.example.com'],
    ['.example.com', 'https://example.com'],
    ['*.example.com', 'https://a.b.example.com'],
    ['EXAMPLE.com', 'https://Api.Example.COM'],
    ['example.com.', 'https://example.com'],
    ['example.com', 'https://example.com.'],
    ['other.example example.com', 'https://example.com'],
    ['other.example,,example.com', 'https://example.com'],
    ['example.com:8443', 'https://api.example.com:8443'],
    ['example.com:443', 'https://example.com'],
    ['example.com:80', 'http://example.com'],
    ['localhost', 'http://localhost:11434'],
    ['127.0.0.1', 'http://127.0.0.1:11434'],
    ['127.0.0.1', 'http://127.1:11434'],
    ['127.0.0.0/8', 'http://127.4.5.6'],
    ['10.0.0.0/8:8000', 'http://10.1.2.3:8000'],
    ['::1', 'http://[::1]:11434'],
    ['[::1]', 'http://[::1]:11434'],
    ['[::1]:11434', 'http://[::1]:11434'],
    ['0:0:0:0:0:0:0:1', 'http://[::1]'],
    ['fd00::/8', 'http://[fd12::5]'],
    ['*', 'https://any.example'],
    ['other.example,*', 'http://[::1]'],
  ])('%s exempts %s', (entry, url) => {
    expect(isExempt(entry, url)).toBe(true);
  });

  it.each([
    ['', 'https://example.com'],
    ['example.com', 'https://notexample.com'],
    ['example.com', 'https://example.com.evil.example'],
    ['api.example.com', 'https://example.com'],
    ['com:', 'https://example.com'],
    ['.', 'https://example.com'],
    ['example.com:8443', 'https://example.com'],
    ['example.com:443', 'http://example.com'],
    ['127.0.0.1', 'http://127.0.0.2'],
    ['0.0.1', 'http://127.0.0.1'],
    ['127.0.0.0/33', 'http://127.0.0.1'],
    ['127.0.0.0/', 'http://127.0.0.1'],
    ['10.0.0.0/8', 'http://10.example.com'],
    ['::1', 'http://[::2]'],
    ['[::1]:80', 'http://[::1]:81'],
    ['localhost', 'http://127.0.0.1'],
    ['https://example.com', 'https://example.com'],
    ['exa*', 'https://example.com'],
  ])('%s does not exempt %s', (entry, url) => {
    expect(isExempt(entry, url)).toBe(false);
  });
});
