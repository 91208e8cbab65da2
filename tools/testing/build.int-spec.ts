import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyOfRepository } from './nx.js';

const build = (folder: string, ...args: string[]) => {
  const { status, stderr } = spawnSync(process.execPath, ['tools/build/build.mjs', ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stderr };
};

/** The sources in a bundle, by the comments that esbuild puts before each. */
const sourcesIn = (bundle: string) =>
  [...readFileSync(bundle, 'utf8').matchAll(/^\/\/ ((?:apps|libs|tools)\/.*)$/gm)].map(([, source]) => source);

describe.each(['api', 'worker'])('the builds of %s', (app) => {
  const copy = copyOfRepository({});
  afterAll(copy.remove);

  it('leave the program and a map without sources', () => {
    expect(build(copy.folder, app)).toEqual({ status: 0, stderr: '' });

    const folder = join(copy.folder, 'dist/apps', app);
    expect(readdirSync(folder).sort()).toEqual(['main.js', 'main.js.map']);
    expect(JSON.parse(readFileSync(join(folder, 'main.js.map'), 'utf8'))).not.toHaveProperty('sourcesContent');
  });

  it('leave for the image what runs by itself, without any map', () => {
    expect(build(copy.folder, app, '--image')).toEqual({ status: 0, stderr: '' });

    const folder = join(copy.folder, 'dist/images', app);
    expect(readdirSync(folder).sort()).toEqual(['main.js', 'node_modules', 'sbom.cdx.json']);
    expect(existsSync(join(folder, 'node_modules/mongoose/package.json'))).toBe(true);
    expect(readdirSync(folder, { recursive: true }).filter((file) => String(file).endsWith('.map'))).toEqual([]);
  });

  it.each(['apps', 'images'])('hold no fail-point, no builder and no test (dist/%s)', (kind) => {
    const sources = sourcesIn(join(copy.folder, 'dist', kind, app, 'main.js'));

    expect(sources).toContain(`apps/${app}/src/main.ts`);
    expect(sources.filter((source) => /^libs\/testing\/|^tools\/|spec\.ts$/.test(source ?? ''))).toEqual([]);
  });

  it.each(['apps', 'images'])('are ASCII, so that Node keeps a byte for each character of them (dist/%s)', (kind) => {
    expect(readFileSync(join(copy.folder, 'dist', kind, app, 'main.js')).every((byte) => byte < 0x80)).toBe(true);
  });
});

it('leaves the providers, and with them all use of their keys, out of the API', () => {
  const copy = copyOfRepository({});
  expect(build(copy.folder).status).toBe(0);
  const providersIn = (app: string) =>
    sourcesIn(join(copy.folder, 'dist/apps', app, 'main.js')).filter((source) =>
      source?.startsWith('libs/assistant/src/providers/'),
    );

  expect(providersIn('api')).toEqual([]);
  expect(providersIn('worker')).not.toEqual([]);
  copy.remove();
});

it('names what it cannot build', () => {
  const copy = copyOfRepository({});
  expect(build(copy.folder, 'website')).toEqual({
    status: 1,
    stderr: 'There is no app "website" to build: say api or worker, or nothing for both.\n',
  });
  copy.remove();
});
