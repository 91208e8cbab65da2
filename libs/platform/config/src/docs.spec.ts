import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { loadConfig } from './config.js';
import { envExample } from './env-example.js';
import { SETTINGS } from './settings.js';
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

describe('.env.example', () => {
  it('is what the settings say, word for word (write it anew with npm run docs)', () => {
    expect(upToDate('.env.example', envExample)).toBe(envExample());
  });

  it.each(['api', 'worker'] as const)('changes nothing for the %s when every line of it is used', (process) => {
    const used = parseEnv(envExample().replace(/^# (?=[A-Z_]+=)/gm, ''));
    expect(Object.keys(used).sort()).toEqual(Object.keys(SETTINGS).sort());
    expect(loadConfig(used, process)).toEqual(loadConfig({}, process));
  });
});

describe('the configuration table of README.md', () => {
  it('is what the settings say, word for word (write it anew with npm run docs)', () => {
    const parts = upToDate('README.md', (text) => {
      const [before = '', rest = ''] = text.split(BEGIN);
      return `${before}${BEGIN}${settingsTable()}${END}${rest.split(END)[1] ?? ''}`;
    }).split(BEGIN);
    expect(parts).toHaveLength(2);
    expect(parts[1]?.split(END)[0]).toBe(settingsTable());
  });
});

describe('docker-compose.yml', () => {
  it('passes on every setting but the ports and addresses inside the containers', () => {
    const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
    const missing = Object.keys(SETTINGS).filter((name) => !compose.includes(` ${name}: \${${name}:-`));
    expect(missing).toEqual(['HOST', 'PORT', 'WORKER_HEALTH_PORT']);
  });
});
