import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const nginx = read('docker/nginx.conf');
const api = read('docker/nginx.api.conf');
const files = [nginx, api, read('docker/nginx.plain.conf'), read('docker/nginx.tls.conf')];

interface Problem {
  readonly path: string;
  readonly status: number;
  readonly title: string;
  readonly code: string;
  readonly type: string;
}

const text = (value: unknown): string => {
  if (typeof value !== 'string') throw new Error('not a text');
  return value;
};

/** The problem documents that the proxy answers itself. */
const problems = [...nginx.matchAll(/^ +(\/problem\/\d+) '(\{.*\})';$/gm)].map(([, path = '', json = '']): Problem => {
  const document: unknown = JSON.parse(json);
  if (typeof document !== 'object' || document === null) throw new Error('no document');
  const { status, title, code, type } = { status: 0, title: '', code: '', type: '', ...document };
  return { path, status: Number(status), title: text(title), code: text(code), type: text(type) };
});

describe('the proxy of the overlays', () => {
  it.each(problems)('answers $path as the API answers $code', ({ path, status, title, code, type }) => {
    expect(path).toBe(`/problem/${status}`);
    expect(type).toBe(`/errors#${code}`);
    expect(read('docs/errors.md')).toContain(`## ${code}\n\n${status} · ${title}\n`);
  });

  it('says of a path that is not there what the API says', () => {
    const [sentence = ''] = /'There is no such path\.[^']*'/.exec(read('apps/api/src/http/problem.ts')) ?? [];
    expect(nginx).toContain(`"detail":"${sentence.slice(1, -1)}","code":"route_not_found"`);
  });

  it('has a document for each error that it answers itself', () => {
    const named = [...api.matchAll(/^error_page .*(\/problem\/\d+);$/gm)].map(([, path]) => path);
    expect(named.sort()).toEqual(problems.map(({ path }) => path));
    expect(named.length).toBeGreaterThan(5);
  });

  it('writes no line with a URL, a header or an address of a client: its own error lines about requests, which have them, are off', () => {
    const [format = ''] = /log_format line[^;]*;/.exec(nginx) ?? [];
    const names = [...format.matchAll(/\$(\w+)/g)].map(([, name]) => name);
    expect(names.sort()).toEqual(
      [
        'time_iso8601',
        'status',
        'request_time',
        'upstream_addr',
        'upstream_status',
        'upstream_response_time',
        'id',
        'message',
      ].sort(),
    );
    for (const file of files)
      expect([...file.matchAll(/^ *(?:error|access)_log .*/gm)].map(([line]) => line.trim())).toEqual(
        file === nginx ? ['error_log stderr emerg;', 'access_log /dev/stdout line if=$has_line;'] : [],
      );
  });

  it('keeps no body and no answer in a file', () => {
    expect(api).toMatch(/^ {2}proxy_request_buffering off;\n {2}proxy_buffering off;$/m);
    expect(read('docker/compose.scale.yml')).toContain("tmpfs: ['/tmp:size=1m']");
  });

  it('has memory for all connections that it may have open, each in the middle of its TLS handshake', () => {
    const processes = Number(/^worker_processes (\d+);$/m.exec(nginx)?.[1]);
    const connections = Number(/worker_connections (\d+);/.exec(nginx)?.[1]);
    const gib = Number(/mem_limit: (\d+)g/.exec(read('docker/compose.scale.yml'))?.[1]);
    expect(processes * connections * 53).toBeLessThan(gib * 1_048_576);
  });

  it('redirects nobody to the host that a client names', () => {
    for (const file of files) expect(file).not.toMatch(/https:\/\/\$(?:host|http_host)/);
  });
});
