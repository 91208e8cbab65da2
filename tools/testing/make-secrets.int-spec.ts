import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

const SCRIPT = join(import.meta.dirname, '../../docker/make-secrets');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgechat-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const make = (): { variables: Record<string, string | undefined>; told: string } => {
  const { status, stdout, stderr } = spawnSync('sh', [SCRIPT, folder], { encoding: 'utf8' });
  expect(status).toBe(0);
  return { variables: parseEnv(stdout), told: stderr };
};
const read = (name: string): string => readFileSync(join(folder, name), 'utf8').trim();
const write = (name: string, text: string): void => writeFileSync(join(folder, name), `${text}\n`);
const userOf = (name: string): string => new URL(read(name)).username;
/** What a release before has made, where PostgreSQL is one of the operator's own. */
const makeOld = (): void => {
  write('redis_conf', 'requirepass old');
  write('redis_url', 'redis://:old@redis:6379/0');
  write('database_url', 'postgresql://me:mine@rented.example:5432/d');
  write('mongodb_url', 'mongodb://edgechat:old@mongo:27017/edgechat?authSource=admin');
};

describe('docker/make-secrets', () => {
  it('makes two logins for each store, no two with one password, and names the files of all', () => {
    const { variables, told } = make();

    expect(told).toBe('');
    expect(['database_url', 'mongodb_url', 'redis_url'].map(userOf)).toEqual(Array(3).fill('edgechat_app'));
    expect(['migrate_database_url', 'migrate_mongodb_url'].map(userOf)).toEqual(Array(2).fill('edgechat'));
    const passwords = readdirSync(folder)
      .flatMap((name) => (name === '.gitignore' ? [] : (read(name).match(/[0-9a-f]{64}/g) ?? [])))
      .sort();
    expect(new Set(passwords).size).toBe(7);
    expect(read('redis_conf')).toMatch(
      new RegExp(`^user edgechat_app on >${new URL(read('redis_url')).password} `, 'm'),
    );
    const files = Object.fromEntries(
      readdirSync(folder).map((name) => [`${name.toUpperCase()}_FILE`, join(folder, name)]),
    );
    expect({ ...variables, '.GITIGNORE_FILE': join(folder, '.gitignore') }).toEqual(files);
  });

  it('changes nothing the second time', () => {
    const first = make();
    const before = readdirSync(folder).map(read);
    expect(make()).toEqual(first);
    expect(readdirSync(folder).map(read)).toEqual(before);
  });

  it('leaves a folder of a release before as it is, gives its URLs no owner beside them, and says what to do', () => {
    makeOld();
    const { variables, told } = make();

    expect(read('database_url')).toContain('rented.example');
    expect(read('redis_url')).toBe('redis://:old@redis:6379/0');
    expect(Object.keys(variables).filter((name) => name.startsWith('MIGRATE_'))).toEqual([]);
    expect(told).toMatch(
      /^docker\/make-secrets: URLs in .* remove database_url, mongodb_url, redis_url and redis_conf there, run this again/,
    );
  });

  it('takes a user of that name elsewhere for one of the operator, and names no owner beside it', () => {
    write('database_url', 'postgresql://edgechat_app:mine@rented.example:5432/d');
    write('mongodb_url', 'mongodb+srv://edgechat_app:mine@mongo.example/d');
    write('redis_url', 'rediss://edgechat_app:mine@rented.example:6379/0');

    const { variables, told } = make();

    expect(told).toBe('');
    expect(Object.keys(variables).filter((name) => name.startsWith('MIGRATE_'))).toEqual([]);
  });

  it('makes what was removed from it, and keeps the passwords of the owners', () => {
    makeOld();
    make();
    const owner = read('mongo_password');
    for (const name of ['mongodb_url', 'redis_url', 'redis_conf']) rmSync(join(folder, name));

    const { variables } = make();

    expect(['mongodb_url', 'redis_url'].map(userOf)).toEqual(Array(2).fill('edgechat_app'));
    expect(read('migrate_mongodb_url')).toContain(`edgechat:${owner}@`);
    expect(Object.keys(variables).filter((name) => name.startsWith('MIGRATE_'))).toEqual(['MIGRATE_MONGODB_URL_FILE']);
  });

  it('makes a URL of Redis that fits the configuration of a release before', () => {
    makeOld();
    rmSync(join(folder, 'redis_url'));
    make();
    expect(read('redis_url')).toBe('redis://:old@redis:6379/0');
  });
});
