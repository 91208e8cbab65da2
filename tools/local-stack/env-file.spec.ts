import { parseEnvFile } from './env-file.mjs';

/** What a text sets, or the sentences that refuse it. */
function read(text: string, env: Record<string, string> = {}): { set?: object; refused?: string[]; warned: string[] } {
  const warned: string[] = [];
  try {
    return { set: parseEnvFile(text, env, (sentence) => warned.push(sentence)), warned };
  } catch (error) {
    return { refused: error instanceof Error ? error.message.split('\n') : [], warned };
  }
}

// Each expectation is what Compose 2's own reader (github.com/compose-spec/compose-go, dotenv) makes of the same text.
describe('.env is read as Compose reads it', () => {
  it.each([
    ['a byte order mark at its beginning', '\ufeffPORT=1\nA=2\n', { PORT: '1', A: '2' }],
    ['line ends of Windows', 'A=1\r\nB="2"\r\n', { A: '1', B: '2' }],
    ['a # inside a value', 'JWT_SECRET=abc#def\n', { JWT_SECRET: 'abc#def' }],
    ['a # that begins a value', 'A=#def\n', { A: '#def' }],
    ['a # after a blank', 'A=abc #def\nB=x\n', { A: 'abc', B: 'x' }],
    ['a # in quotes', `A="a #b" # c\nB='a #b'\n`, { A: 'a #b', B: 'a #b' }],
    ['export, blanks around =, and a colon', 'export A = 1\nB: 2\n', { A: '1', B: '2' }],
    ['quotes that are not at the beginning', 'A=x"y"\n', { A: 'x"y"' }],
    ['escapes in double quotes', String.raw`A="a\tb\\c\"d\$E\0101"`, { A: 'a\tb\\c"d$EA' }],
    [
      'backslashes elsewhere',
      String.raw`A=a\tb` + '\n' + String.raw`B='a\tb\'c'`,
      { A: String.raw`a\tb`, B: String.raw`a\tb'c` },
    ],
    ['a value of several lines', 'A="x\ny"\nB=1', { A: 'x\ny', B: '1' }],
    ['variables', 'A=1\nB=$A-${A}-${NO:-d$A}-${A:+s}-${NO+t}-$FROM', { A: '1', B: '1-1-d1-s--env' }],
    ['a doubled $, and one that begins no name', 'A=a$$b\nB=c$1\nC=$', { A: 'a$b', B: 'c$1', C: '$' }],
    ['a $ in single quotes', `A='a$b'`, { A: 'a$b' }],
    ['the last of two lines with one name', 'A=1\nA=2', { A: '2' }],
    ['an empty value, and nothing else', 'A=\n\n# B=1\n', { A: '' }],
  ])('with %s', (_, text, set) => {
    expect(read(text, { FROM: 'env' })).toEqual({ set, warned: [] });
  });

  it.each([
    ['words', 'A=1\nsecret words\nB=2', 2],
    ['a sign in a name', 'A=1\n\nsecret-7f$3=2', 3],
    ['no name', '=secret', 1],
    ['a quote that nothing ends', 'A=1\nB="secret\nC=3', 2],
    ['a ${ that nothing ends', 'A="x\ny"\nB=secret${C', 3],
    ['a variable that must be there', 'A=${secret:?}', 1],
  ])('and refused with %s, by the number of the line and without a word of it', (_, text, line) => {
    const { refused } = read(text);
    expect(refused).toEqual([expect.stringMatching(new RegExp(`^\\.env, line ${line}: the line .+\\.$`))]);
    expect(refused?.join()).not.toMatch(/secret|7f/);
  });

  it('and all that is wrong is named at once', () => {
    expect(read('one two\nA=1\nthree four\n').refused).toHaveLength(2);
  });

  it('and a line without = takes nothing from the lines after it; it is told, unless the environment has the name', () => {
    expect(read('JWT_SECRET\nPORT=81\nHOME\n', { HOME: '/root' })).toEqual({
      set: { PORT: '81' },
      warned: ['.env, line 1: the line has no =, so it sets nothing.'],
    });
  });

  it('and a $ that names nothing is told: it may be a part of a secret', () => {
    const { set, warned } = read('A=1\nJWT_SECRET=pa$word');
    expect(set).toEqual({ A: '1', JWT_SECRET: 'pa' });
    expect(warned).toEqual([expect.stringMatching(/^\.env, line 2: the line names a variable that is not set.* \$\$/)]);
  });
});
