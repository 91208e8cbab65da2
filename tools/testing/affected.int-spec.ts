import { nx, root } from './nx.js';

const affectedBy = (...files: string[]) => {
  const { exitCode, output } = nx(root, 'show', 'projects', '--affected', `--files=${files.join(',')}`, '--json');
  if (exitCode !== 0) throw new Error(output);
  return new Set<string>(JSON.parse(output));
};

describe('nx affected', () => {
  it('picks a feature and what is built on it, and leaves its neighbours alone', () => {
    const affected = affectedBy('libs/identity/src/index.ts');

    expect([...affected]).toEqual(expect.arrayContaining(['identity', 'api', 'api-e2e']));
    for (const other of ['kernel', 'contracts', 'conversations', 'usage', 'search', 'platform-postgres'])
      expect(affected).not.toContain(other);
  });

  it('picks everything that stands on the kernel when the kernel changes', () => {
    const affected = affectedBy('libs/kernel/src/index.ts');

    expect([...affected]).toEqual(
      expect.arrayContaining(['kernel', 'identity', 'conversations', 'assistant', 'search', 'usage', 'api', 'worker']),
    );
    expect(affected).not.toContain('tools-build');
  });

  it('picks only the apps that ship when the build changes', () => {
    const affected = affectedBy('tools/build/build.mjs');

    expect([...affected]).toEqual(expect.arrayContaining(['api', 'worker', 'tools-build']));
    expect(affected).not.toContain('kernel');
  });

  it.each(['package-lock.json', 'tsconfig.base.json', 'eslint.config.mjs', 'nx.json'])(
    'picks everything when %s changes',
    (file) => {
      expect([...affectedBy(file)]).toEqual(
        expect.arrayContaining(['kernel', 'usage', 'platform-config', 'api', 'worker', 'tools-testing']),
      );
    },
  );

  it('picks only the check of its form for a page of prose', () => {
    expect([...affectedBy('CONTRIBUTING.md')]).toEqual(['workspace']);
  });
});
