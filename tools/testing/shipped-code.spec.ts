import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { read, ROOT } from './named-tests.js';

/** The sources that ship. */
const files = ['apps/api/src', 'apps/worker/src', 'libs'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .map((file) => `${folder}/${String(file)}`)
    .filter((file) => file.endsWith('.ts') && !/spec\.ts$|\/test-[^/]*$|^libs\/testing\//.test(file)),
);
const linesWith = (pattern: RegExp): string[] =>
  files.flatMap((file) =>
    read(file)
      .split('\n')
      .filter((line) => !/^\s*(\*|\/\/|\/\*)/.test(line) && pattern.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );

describe('the code that ships', () => {
  it('is looked at', () => expect(files.length).toBeGreaterThan(200));

  it('starts no other program, and runs no text as a program', () => {
    expect(linesWith(/child_process|worker_threads|node:vm\b|new Function\(|(?<!\.)\beval\(/)).toEqual([]);
  });

  it('builds patterns from its own constants only', () => {
    const built = linesWith(/new RegExp\(/);
    expect(built).not.toEqual([]);
    expect(built.filter((line) => !/: (export )?const [A-Z_]+ = new RegExp\(/.test(line))).toEqual([]);
  });

  it('hashes with SHA-256 and nothing weaker', () => {
    const hashes = linesWith(/\b(createHash|createHmac|hash|hkdfSync)\('/);
    expect(hashes.length).toBeGreaterThan(5);
    expect(hashes.filter((line) => !/\b(createHash|createHmac|hash|hkdfSync)\('sha256'/.test(line))).toEqual([]);
    expect(linesWith(/\b(md5|sha1|createCipher\w*)\b/i)).toEqual([]);
  });

  it('draws no secret from Math.random', () => {
    expect(linesWith(/Math\.random/).filter((line) => !line.startsWith('libs/assistant/src/providers/'))).toEqual([]);
    expect(linesWith(/randomBytes\(/).length).toBeGreaterThan(1);
  });

  it('sets no cookie, and reads none', () => {
    expect(linesWith(/set-cookie|setCookie|headers\.cookie|@fastify\/cookie/i)).toEqual([]);
  });
});
