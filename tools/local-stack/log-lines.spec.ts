import { readable } from './log-lines.mjs';

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
    expect(line({ error })).toBe('--:--:-- worker error it happened error=outer (inner (root))\n  at x');
  });
});
