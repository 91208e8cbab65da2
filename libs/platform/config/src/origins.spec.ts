import { ConfigError, loadConfig } from './config.js';

const problemsOf = (env: Readonly<Record<string, string>>): readonly string[] => {
  try {
    loadConfig(env, 'api');
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)];
  }
};

describe('CORS_ORIGINS', () => {
  it.each([
    [' https://a.example , https://b.example,', ['https://a.example', 'https://b.example']],
    ['["https://a.example", "http://localhost:3000/"]', ['https://a.example', 'http://localhost:3000']],
    ['["*"]', ['*']],
    ['[]', []],
    ['https://a.example/', ['https://a.example']],
    ['HTTPS://A.example:443,http://a.example:80/', ['https://a.example', 'http://a.example']],
    ['https://bücher.example', ['https://xn--bcher-kva.example']],
    ['http://[::1]:5173', ['http://[::1]:5173']],
    ['capacitor://localhost,chrome-extension://abcdef/', ['capacitor://localhost', 'chrome-extension://abcdef']],
  ])('of %s lets in what browsers send', (value, origins) => {
    expect(loadConfig({ CORS_ORIGINS: value }, 'api').corsOrigins).toEqual(origins);
  });

  it.each([
    'a.example',
    'localhost:3000',
    '//a.example',
    'https://a.example/app',
    'https://a.example?x',
    'https://*.example.com',
    'https://u:p@a.example',
    "['https://a.example']",
    '["https://a.example"',
    '["https://a.example", 7]',
    '"https://a.example"',
    'https://a.example https://b.example',
    'https://a.example;https://b.example',
    'https://',
    '**',
  ])('is named as bad with %s, beside one that is good', (value) => {
    const all = value.startsWith('[') ? value : `https://good.example,${value}`;
    expect(problemsOf({ CORS_ORIGINS: all })).toEqual([
      expect.stringMatching(/^CORS_ORIGINS must be origins such as /),
    ]);
  });
});
