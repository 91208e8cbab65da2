import { copyOfRepository, nx } from './nx.js';

const RULE = '@nx/enforce-module-boundaries';
const forbidden: [promise: string, project: string, file: string, source: string, rule: string][] = [
  [
    'the kernel imports no package',
    'kernel',
    'libs/kernel/src/x1.ts',
    `export { Injectable } from '@nestjs/common';`,
    RULE,
  ],
  [
    'contracts import no framework',
    'contracts',
    'libs/contracts/src/x2.ts',
    `export { Injectable } from '@nestjs/common';`,
    RULE,
  ],
  [
    'a platform lib imports no feature',
    'platform-config',
    'libs/platform/config/src/x3.ts',
    `export * from '@edgechat/identity';`,
    RULE,
  ],
  [
    'a feature imports only the features listed for it',
    'identity',
    'libs/identity/src/x4.ts',
    `export * from '@edgechat/conversations';`,
    RULE,
  ],
  [
    'nobody imports an app',
    'identity',
    'libs/identity/src/x5.ts',
    `export * from '../../../apps/api/src/main.js';`,
    RULE,
  ],
  [
    'a project is imported by its name, not by a path',
    'identity',
    'libs/identity/src/x6.ts',
    `export * from '../../kernel/src/ids.js';`,
    RULE,
  ],
  [
    'what ships imports nothing made for tests',
    'identity',
    'libs/identity/src/x7.ts',
    `export * from '@edgechat/testing';`,
    RULE,
  ],
  [
    'a domain folder imports no framework',
    'identity',
    'libs/identity/src/domain/x8.ts',
    `export { Injectable } from '@nestjs/common';`,
    'no-restricted-imports',
  ],
  [
    'there is no forwardRef',
    'identity',
    'libs/identity/src/x9.ts',
    `import { forwardRef } from '@nestjs/common';\nexport const x = forwardRef(() => Date);`,
    'no-restricted-syntax',
  ],
];
const allowed = {
  'libs/identity/src/good.ts': `export * from '@edgechat/kernel';\nexport { Injectable } from '@nestjs/common';\n`,
};

/** Lints the projects of these files through Nx, in a copy of the repository, and returns what was said about each file. */
function lint() {
  const sources = Object.fromEntries(forbidden.map(([, , file, source]) => [file, `${source}\n`]));
  const copy = copyOfRepository({ ...sources, ...allowed });
  try {
    const projects = [...new Set(forbidden.map(([, project]) => project))].join(',');
    const { exitCode, output } = nx(
      copy.folder,
      'run-many',
      '-t',
      'lint',
      '-p',
      projects,
      '--output-style=static',
      '--skip-nx-cache',
    );
    const about = (file: string) =>
      output.split(/\n(?=\S*\/libs\/)/).find((part) => part.trimEnd().split('\n')[0]?.endsWith(file)) ?? '';
    return { exitCode, about };
  } finally {
    copy.remove();
  }
}

describe('the boundaries between projects, held by lint through Nx', () => {
  let result: ReturnType<typeof lint>;
  beforeAll(() => {
    result = lint();
  }, 120_000);

  it('fails for a forbidden import', () => expect(result.exitCode).not.toBe(0));

  it.each(forbidden)('%s', (_promise, _project, file, _source, rule) => {
    expect(result.about(file)).toContain(rule);
  });

  it('says nothing about an allowed import', () => expect(result.about('libs/identity/src/good.ts')).toBe(''));
});
