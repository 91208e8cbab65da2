import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyOfRepository } from './nx.js';

describe.each(['api', 'worker'])('the build of %s', (app) => {
  const copy = copyOfRepository({});
  const folder = join(copy.folder, 'dist/apps', app);
  afterAll(copy.remove);

  it('succeeds and leaves the program and its map, nothing else', () => {
    const { status, stderr } = spawnSync(process.execPath, ['tools/build/build.mjs', app], { cwd: copy.folder, encoding: 'utf8' });

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(readdirSync(folder).sort()).toEqual(['main.js', 'main.js.map']);
  });

  it('holds no fail-point, no builder and no test', () => {
    const { sources } = JSON.parse(readFileSync(join(folder, 'main.js.map'), 'utf8'));

    expect(sources).toContainEqual(expect.stringContaining(`apps/${app}/src/main.ts`));
    expect(sources.filter((source: string) => /libs\/testing\/|spec\.ts$/.test(source))).toEqual([]);
  });

  it('holds a map without sources', () => {
    expect(JSON.parse(readFileSync(join(folder, 'main.js.map'), 'utf8'))).not.toHaveProperty('sourcesContent');
  });
});
