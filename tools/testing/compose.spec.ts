import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const compose = read('docker-compose.yml');
const production = read('docker/compose.production.yml');

describe('the compose files', () => {
  it('put no password into a URL, where some of its signs would have to be encoded', () => {
    expect(compose).toContain('  PGPASSWORD: ${POSTGRES_APP_PASSWORD:-${POSTGRES_PASSWORD:-edgechat}}\n');
    expect(compose).toContain('  MIGRATE_PGPASSWORD: ${MIGRATE_PGPASSWORD:-${POSTGRES_PASSWORD:-edgechat}}\n');
    expect(compose.match(/^ +[A-Z]+_URL: .*PASSWORD.*$/gm)).toBeNull();
  });

  it('count a Redis as healthy that answers PONG, not one that asks for a password; in production with the password', () => {
    for (const file of [compose, production]) {
      const [test = ''] = /test:\s*\[[^\]]*redis-cli[^\]]*\]/.exec(file) ?? [];
      expect(test).toMatch(/'CMD-SHELL'/);
      expect(test).toMatch(/redis-cli ping \| grep -qx PONG/);
    }
    expect(production).toContain('REDISCLI_AUTH=');
  });

  it('give the worker a way to a provider on the machine itself', () => {
    expect(compose).toContain("extra_hosts: ['host.docker.internal:host-gateway']\n");
    expect(read('README.md')).toContain('OPENAI_BASE_URL=http://host.docker.internal:11434/v1');
  });

  it('are overridden, where docs/deploy.md narrows the port, and not added to', () => {
    expect(read('docs/deploy.md')).toContain("ports: !override ['127.0.0.1:8000:8000']");
  });
});
