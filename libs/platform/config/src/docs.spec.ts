import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { loadConfig } from './config.js';
import { envExample } from './env-example.js';
import { SETTINGS, type Setting } from './settings.js';
import { settingsTable } from './settings-table.js';

const ROOT = join(import.meta.dirname, '../../../..');
const isWriting = process.env['WRITE_DOCS'] === '1';
const BEGIN = '<!-- settings: made by npm run docs -->\n';
const END = '<!-- /settings -->';

/** Gives a file's text; with WRITE_DOCS=1 brings it up to date first. */
function upToDate(file: string, change: (text: string) => string): string {
  const path = join(ROOT, file);
  if (isWriting) writeFileSync(path, change(readFileSync(path, { encoding: 'utf8', flag: 'a+' })));
  return readFileSync(path, 'utf8');
}

/** Markdown as Prettier writes it here: a page is kept in that form. */
const formatMarkdown = async (text: string): Promise<string> =>
  format(text, { ...(await resolveConfig(join(ROOT, 'README.md'))), parser: 'markdown' });

describe('.env.example', () => {
  it('is what the settings say, word for word (write it anew with npm run docs)', () => {
    expect(upToDate('.env.example', envExample)).toBe(envExample());
  });

  it.each(['api', 'worker', 'migrate'] as const)(
    'changes nothing for the %s when every line of it is used',
    (process) => {
      const used = parseEnv(envExample().replace(/^# (?=[A-Z_]+=)/gm, ''));
      expect(Object.keys(used).sort()).toEqual(Object.keys(SETTINGS).sort());
      expect(loadConfig(used, process)).toEqual(loadConfig({}, process));
    },
  );
});

describe('the configuration table of README.md', () => {
  it('is what the settings say, word for word (write it anew with npm run docs)', async () => {
    const made = await formatMarkdown(`${BEGIN}\n${settingsTable()}\n${END}\n`);
    const readme = upToDate('README.md', (text) => {
      const [before = '', rest = ''] = text.split(BEGIN);
      return `${before}${made.trimEnd()}${rest.split(END)[1] ?? ''}`;
    });
    expect(readme.split(BEGIN)).toHaveLength(2);
    expect(readme).toContain(made.trimEnd());
  });
});

describe('docker-compose.yml', () => {
  const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
  /** The lines of a top-level block or a service, from its name to the next one at its depth. */
  const block = (name: string): string =>
    new RegExp(`^( *)${name}:.*\\n(?:\\1 +.*\\n|\\s*\\n)+`, 'm').exec(compose)?.[0] ?? '';
  const passedOn = (text: string): string[] =>
    [...text.matchAll(/^ +([A-Z_]+): \$\{\1:-[^}]*/gim)].map(([, name = '']) => name);
  const INSIDE = ['HOST', 'PORT', 'WORKER_HEALTH_PORT'];

  it.each(['api', 'worker'] as const)(
    'passes on to the %s every setting that it reads, but the ports and addresses inside the containers, and no other',
    (process) => {
      const read = Object.entries<Setting<unknown>>(SETTINGS)
        .filter(([name, one]) => one.usedBy.includes(process) && !INSIDE.includes(name))
        .map(([name]) => name);
      const passed = [...passedOn(block('x-stores')), ...passedOn(block(process))];
      expect(passed.sort()).toEqual(read.sort());
    },
  );

  it('hands migrate the variables of the stores, those that are for it alone, and nothing else', () => {
    const own = [...block('migrate').matchAll(/^ {6}(\S+):/gm)].map(([, name = '']) => name);
    const alone = Object.entries<Setting<unknown>>(SETTINGS).filter(([, one]) => one.usedBy.includes('migrate'));
    expect(own.filter((name) => /^[A-Z<]/.test(name)).sort()).toEqual(['<<', ...alone.map(([name]) => name)].sort());
    expect(block('migrate')).toContain('<<: *stores\n');
  });
});

describe('the images', () => {
  const dockerfiles = ['api', 'worker'].map((app) => readFileSync(join(ROOT, `docker/${app}.Dockerfile`), 'utf8'));

  it('stand on one base, named by its tag once in each Dockerfile', () => {
    const bases = dockerfiles.map((text) => text.match(/^ARG NODE_IMAGE=(?:node|.*\/node):[\w.-]+$/gm));
    expect(bases).toEqual(Array(2).fill([expect.any(String)]));
    expect(bases[0]).toEqual(bases[1]);
    expect(dockerfiles.map((text) => text.match(/^FROM .*$/gm))).toEqual(
      Array(2).fill(['FROM ${NODE_IMAGE} AS build', 'FROM ${NODE_IMAGE}']),
    );
  });
});
