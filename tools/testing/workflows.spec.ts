import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../.github/workflows');
const files = readdirSync(FOLDER);

describe.each(files)('the workflow %s', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const steps = text.split(/^ {6}- /m).slice(1);

  it('uses every action by its commit, with the version that it is beside it', () => {
    const used = [...text.matchAll(/\buses: *(.*)$/gm)].map(([, action = '']) => action);
    expect(used).not.toEqual([]);
    expect(used.filter((action) => !/^[\w-]+\/[\w./-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$/.test(action))).toEqual(
      [],
    );
  });

  it('may read the repository and nothing else, and leaves no credentials where later steps find them', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n\n/m);
    expect(text.match(/permissions:/g)).toHaveLength(1);
    const checkouts = steps.filter((step) => step.startsWith('uses: actions/checkout@'));
    expect(checkouts).not.toEqual([]);
    expect(checkouts.filter((step) => !step.includes('persist-credentials: false'))).toEqual([]);
  });

  it('gives nobody a shell: no secret, no run for strangers with rights of ours, nothing put into a command', () => {
    expect(text).not.toMatch(/secrets\.|pull_request_target|workflow_run/);
    expect([...text.matchAll(/\brun: .*\$\{\{/g)]).toEqual([]);
  });
});

it('asks each week what is known against the packages of the lock file', () => {
  const text = readFileSync(join(FOLDER, 'dependencies.yml'), 'utf8');
  expect(text).toMatch(/schedule:\n {4}- cron: '\S+ \S+ \* \* [0-6]'/);
  expect(text).toMatch(/osv-scanner@v[0-9.]+ scan source --lockfile=package-lock\.json$/m);
});
