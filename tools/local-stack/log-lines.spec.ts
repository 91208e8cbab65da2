import fc from 'fast-check';
import { isAboutStart, readable } from './log-lines.mjs';

const line = (fields: object): string =>
  readable(
    'worker',
    JSON.stringify({ level: 'error', time: 'x', process: 'worker', pid: 1, msg: 'it happened', ...fields }),
  );

describe('a line of the log in the terminal', () => {
  it.each([
    ['key', 'OPENAI_API_KEY', 'does not take the key: set another OPENAI_API_KEY'],
    ['credit', 'OPENAI_API_KEY', 'OPENAI_API_KEY has no credit left'],
    ['model', 'OPENAI_MODEL', 'no such model for this key, or the base URL leads elsewhere: mend OPENAI_MODEL'],
    ['region', 'OPENAI_API_KEY', 'does not serve the region'],
    ['url', 'OPENAI_BASE_URL', 'mend OPENAI_BASE_URL'],
    ['proxy', 'HTTPS_PROXY', 'The proxy on the way to the provider is away, or refuses: mend HTTPS_PROXY'],
  ])('says in words what to do about a wrong %s', (wrong, variable, words) => {
    const [first, second] = line({ status: 401, reason: null, wrong, variable }).split('\n');
    expect(first).toBe(`--:--:-- worker error it happened status=401 wrong=${wrong} variable=${variable}`);
    expect(second).toContain(words);
  });

  it('says where to look when a model is in no list, which is no order', () => {
    const text = line({ model: 'm-9', status: 200, reason: 'not_listed', variable: 'OPENAI_MODEL' });
    expect(text.split('\n')[1]?.trim()).toBe(
      "The provider's list does not name the model m-9; if answers fail, look at OPENAI_MODEL.",
    );
  });

  it.each([
    { wrong: 'constructor', variable: 'X' },
    { wrong: 7, variable: 'X' },
    { wrong: 'key' },
    { variable: 'X' },
    { reason: 'not_listed' },
  ])('advises nothing for %j', (fields) => {
    expect(line(fields)).not.toContain('\n');
  });

  it('shows what caused an error, too', () => {
    const error = {
      name: 'E',
      message: 'outer',
      stack: '  at x',
      cause: { message: 'inner', cause: { message: 'root' } },
    };
    expect(line({ error })).toBe('--:--:-- worker error it happened error="outer (inner (root))"\n  at x');
  });

  const bidi = String.fromCharCode(0x202e);
  it.each([
    ['plain', 'plain'],
    ['0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', '0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'],
    ['x status=200 account=7', '"x status=200 account=7"'],
    ['a=b', '"a=b"'],
    ['', '""'],
    ['say "no"', '"say \\"no\\""'],
    ['a\\b', '"a\\\\b"'],
    ['x\n12:00:01 api    info  answered', '"x\\n12:00:01 api    info  answered"'],
    ['\r\u001b[2K\u001b[31mred', '"\\r\\u001b[2K\\u001b[31mred"'],
    ['\u009b31m', '"\\u{9b}31m"'],
    ['\u007f', '"\\u{7f}"'],
    [`a${bidi}b`, '"a\\u{202e}b"'],
    ['a\u200bb', '"a\\u{200b}b"'],
    ['a\u2028b', '"a\\u{2028}b"'],
    ['a\u{e0041}b', '"a\\u{e0041}b"'],
    ['\ud800', '"\\ud800"'],
    ['grüße', '"grüße"'],
  ])('shows %j, which a client chose, as one value', (requestId, shown) => {
    expect(line({ requestId })).toBe(`--:--:-- worker error it happened requestId=${shown}`);
    expect(line({ error: { message: requestId, stack: '' } })).toBe(`--:--:-- worker error it happened error=${shown}`);
    expect(line({ wrong: 'model', reason: 'not_listed', variable: 'X', model: requestId })).toContain(
      ` model=${shown}`,
    );
  });

  it('shows no line of a message as a line of its own, nor what is made to look like one', () => {
    const message = 'invalid input: "x"\n12:00:01 api    info  answered status=200\nat noon\n    at fake (f.js:1:1)';
    const frames = '    at Parser (file.js:1:2)\n    at \u001b[1mx';
    for (const stack of [frames, `${message.split('\n').slice(1).join('\n')}\n${frames}`])
      expect(line({ error: { name: 'E', message, stack } }).split('\n')).toEqual([
        '--:--:-- worker error it happened error="invalid input: \\"x\\"\\n12:00:01 api    info  answered status=200\\nat noon\\n    at fake (f.js:1:1)"',
        '    at Parser (file.js:1:2)',
        '    at \\u{1b}[1mx',
      ]);
  });

  it('leaves what is no JSON object as it is, but for what a terminal obeys', () => {
    expect(readable('api', 'listening\ton 1')).toBe('api    listening\ton 1');
    expect(readable('api', 'a\u001b[2Kb')).toBe('api    a\\u{1b}[2Kb');
  });

  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2_147_483_647);
  it(`has no field but those of the program, and nothing unprintable, whatever is in them (seed ${seed})`, () => {
    const anything = fc.string({ unit: 'binary', maxLength: 60 });
    const lookAlikes = fc.constantFrom(' status=200', '" status=200 x="', '\\" status=200', '\n', '=', '"');
    const value = fc.array(fc.oneof(anything, lookAlikes), { maxLength: 4 }).map((parts) => parts.join(''));
    const check = (requestId: string, reason: string): void => {
      const text = line({ requestId, reason });
      const rest = text.replace(/"(?:[^"\\]|\\.)*"/g, 'quoted');
      expect(rest).toMatch(/^--:--:-- worker error it happened requestId=[^\s="]+ reason=[^\s="]+$/);
      expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]|[^\S ]/u);
    };
    fc.assert(fc.property(value, value, check), { seed, numRuns: 500 });
  });

  it.each([
    [{ msg: 'answered', route: '/api/v1/health/started' }, true],
    [{ msg: 'answered', route: '/api/v1/auth/me', requestId: '/health/started' }, false],
    [{ msg: 'answered', route: null, requestId: '","route":"/api/v1/health/started' }, false],
    [{ msg: 'a request failed by a bug', route: '/api/v1/health/started' }, false],
  ])('is left out only for the calls that the start itself makes: %j', (fields, isOwn) => {
    expect(isAboutStart(JSON.stringify(fields))).toBe(isOwn);
  });
});
