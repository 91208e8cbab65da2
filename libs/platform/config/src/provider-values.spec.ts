import { ConfigError, loadConfig } from './config.js';

/** What the worker reads of these variables, or the sentence that its start ends with. */
function read(env: Readonly<Record<string, string>>): Record<string, unknown> | string {
  try {
    return { ...loadConfig(env, 'worker') };
  } catch (error) {
    return error instanceof ConfigError ? error.message : String(error);
  }
}

const isRefused = (name: string, value: string): boolean => {
  const told = read({ [name]: value });
  return typeof told === 'string' && told.startsWith(`${name} must `) && !told.includes('7f3a') && !/\n/.test(told);
};

describe('a key', () => {
  it.each([
    'sk-7f3a\u0000',
    'sk-7f3a\nsecond',
    'sk-7f3a second',
    'sk-7f3a\t2',
    'schlüssel-7f3a',
    'sk-7f3a…',
    '\u201csk-7f3a\u201d',
    '\ufeffsk-7f3a',
    'sk-7f3a\u200b',
    'sk-7f3a\u00a0',
    'sk-7f3a\u007f',
    'sk-7f3a\ud800',
    '钥匙-7f3a',
    ' ',
    '\n',
  ])('that no header can carry is refused at the start, without itself: %j', (value) => {
    for (const name of ['GEMINI_API_KEY', 'OPENAI_API_KEY', 'ANTHROPIC_API_KEY'])
      expect([name, isRefused(name, value)]).toEqual([name, true]);
  });

  it.each([
    ['sk-proj-A_b.c~d=/+:!"#', 'sk-proj-A_b.c~d=/+:!"#'],
    [' sk-1\t', 'sk-1'],
    ['sk-1\r\n\r\n', 'sk-1'],
  ])('is taken without the blanks around it: %j', (value, taken) => {
    expect(read({ OPENAI_API_KEY: value })).toMatchObject({ openaiApiKey: taken });
  });

  it('from a file is held to the same', () => {
    const readFile = (path: string): string => (path === '/good' ? 'sk-1 \r\n' : 'sk-7f3a\nsk-second\n');
    expect(loadConfig({ GEMINI_API_KEY_FILE: '/good' }, 'worker', readFile).geminiApiKey).toBe('sk-1');
    expect(() => loadConfig({ GEMINI_API_KEY_FILE: '/two-lines' }, 'worker', readFile)).toThrow(
      /^GEMINI_API_KEY must (?!.*7f3a)/,
    );
  });
});

describe('the name of a model', () => {
  it.each(['m\u0000', 'm\n7f3a', 'm\u200b7f3a', 'm\u00a07f3a', '\u202em7f3a', 'm\ud8007f3a', '   '])(
    'has no invisible character: %j',
    (value) => {
      for (const name of ['GEMINI_MODEL', 'OPENAI_MODEL', 'ANTHROPIC_MODEL'])
        expect([name, isRefused(name, value)]).toEqual([name, true]);
    },
  );

  it.each([
    'm?key=7f3a',
    'm#7f3a',
    'm%2f7f3a',
    '../7f3a',
    'models/../7f3a',
    '/7f3a',
    'a//7f3a',
    'a b7f3a',
    'mödel7f3a',
    'm\\7f3a',
  ])('of Gemini stands in a path: %j is refused', (value) => {
    expect(isRefused('GEMINI_MODEL', value)).toBe(true);
  });

  it.each([
    ['GEMINI_MODEL', 'gemini-2.5-flash'],
    ['GEMINI_MODEL', 'tunedModels/my-model_1'],
    ['OPENAI_MODEL', 'meta-llama/llama-3.3-70b-instruct:free'],
    ['OPENAI_MODEL', '@cf/meta/llama-3-8b'],
    ['OPENAI_MODEL', 'hf.co/bartowski/Llama-3.2:Q4_K_M'],
    ['OPENAI_MODEL', 'My Model v2 (Q4).gguf'],
    ['OPENAI_MODEL', '通义千问'],
    ['ANTHROPIC_MODEL', 'claude-sonnet-4-5@20250929'],
  ])('%s may be %s, and the blanks around it are none of it', (name, value) => {
    const camel = name.toLowerCase().replace('_m', 'M');
    expect(read({ [name]: `  ${value}\n` })).toMatchObject({ [camel]: value });
  });
});

describe('a base URL', () => {
  it.each([
    'https://user:pass-7f3a@h/v1',
    'https://user-7f3a@h/v1',
    'https://@h-7f3a/v1',
    'https://h/v1?key=7f3a',
    'https://h/v1#7f3a',
    'https://h/v1?',
    'https://h 7f3a/v1',
    'https://h/v1\n/7f3a',
    'https://h-7f3a:99999/v1',
    'h-7f3a/v1',
    'ws://h-7f3a/v1',
    'https:h-7f3a/v1',
  ])('that each call would fail at is refused at the start, without itself: %j', (value) => {
    for (const name of ['GEMINI_BASE_URL', 'OPENAI_BASE_URL', 'ANTHROPIC_BASE_URL'])
      expect([name, isRefused(name, value)]).toEqual([name, true]);
  });

  it.each([
    ['http://127.0.0.1:11434/v1/', 'http://127.0.0.1:11434/v1'],
    [' https://openrouter.ai/api/v1\n', 'https://openrouter.ai/api/v1'],
    ['http://[::1]:8080/v1', 'http://[::1]:8080/v1'],
    ['https://h.example/a@b/v1', 'https://h.example/a@b/v1'],
    ['http://bücher.example/v1', 'http://bücher.example/v1'],
  ])('%j is %s', (value, taken) => {
    expect(read({ OPENAI_BASE_URL: value })).toMatchObject({ openaiBaseUrl: taken });
  });
});

describe('a proxy', () => {
  it.each([
    'socks5://h-7f3a:1080',
    'ftp://h-7f3a',
    'http://',
    'http://u:p7f3a@',
    'http://u:p7f3a/x@h:1',
    'http://u:12#7f3a@h:1',
    'http://u:12?7f3a@h:1',
    'http://u:%zz7f3a@h:1',
    'http://u:p7f3a@h:port',
    'http://h-7f3a:99999',
    'http://h-7f3a/path',
    'h 7f3a:1',
    ' ',
  ])('that cannot be read is refused at the start, without itself: %j', (value) => {
    for (const name of ['HTTPS_PROXY', 'HTTP_PROXY']) expect([name, isRefused(name, value)]).toEqual([name, true]);
  });

  it.each([
    ['http://h:3128', 'http://h:3128'],
    ['h.example:3128', 'http://h.example:3128'],
    ['ada:p%40ss@h:3128/', 'http://ada:p%40ss@h:3128/'],
    ['https://h', 'https://h'],
    ['[::1]:3128', 'http://[::1]:3128'],
  ])('%j is %s', (value, taken) => {
    expect(read({ HTTPS_PROXY: value, HTTP_PROXY: value })).toMatchObject({ httpsProxy: taken, httpProxy: taken });
  });

  it('may be in small letters too, which go first, unless they are empty', () => {
    expect(read({ https_proxy: 'a:1', HTTPS_PROXY: 'b:2', no_proxy: 'x, y.example  z', NO_PROXY: '*' })).toMatchObject({
      httpsProxy: 'http://a:1',
      noProxy: ['x', 'y.example', 'z'],
    });
    expect(read({ https_proxy: '', HTTPS_PROXY: 'b:2' })).toMatchObject({ httpsProxy: 'http://b:2' });
    expect(read({ http_proxy: 'socks4://7f3a' })).toMatch(/^HTTP_PROXY must (?!.*7f3a)/);
    expect(read({ openai_api_key: 'k', OPENAI_API_KEY: '' })).toMatchObject({ openaiApiKey: undefined });
  });

  it('in a file goes before what stands in the shell', () => {
    const env = { HTTPS_PROXY_FILE: '/proxy', https_proxy: 'a:1', HTTPS_PROXY: 'b:2' };
    expect(loadConfig(env, 'worker', () => 'http://u:p@c:3').httpsProxy).toBe('http://u:p@c:3');
  });

  it('is nothing that the API knows', () => {
    expect(loadConfig({ HTTPS_PROXY: 'http://u:p@h', NO_PROXY: '*' }, 'api')).toMatchObject({
      httpsProxy: undefined,
      noProxy: [],
    });
  });
});
