import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { aTestApp, type TestApp } from '../http/test-app.js';

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2_147_483_647);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

let edge: TestApp;
const start = async (env: Record<string, string> = {}): Promise<void> => {
  edge = await aTestApp({ env });
  await edge.app.listen(0, '127.0.0.1');
};

/** One request as bytes: no HTTP client leaves a path as it is. */
function get(path: string | Buffer, headers: readonly string[] = [], method = 'GET'): Promise<Answer> {
  const server: Server = edge.app.getHttpServer();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(`${method} `);
    socket.write(path);
    socket.write([` HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n'));
    socket
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('error', reject)
      .on('close', () => resolve(answerOf(Buffer.concat(chunks).toString('latin1'))));
  });
}

function answerOf(text: string): Answer {
  const [top = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
  const [line = '', ...lines] = top.split('\r\n');
  const headers = new Headers(lines.map((one) => one.split(/: (.*)/s, 2) as [string, string]));
  return { status: Number(line.split(' ')[1]), headers, text: body };
}

/** Holds an answer to be a problem document of these statuses, which knows nothing of files. */
function expectRefusal(answer: Answer, path: string, statuses: readonly number[]): void {
  expect([path, statuses.includes(answer.status), answer.status]).toEqual([path, true, answer.status]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const code = answer.status === 404 ? 'route_not_found' : 'malformed_request';
  expect(JSON.parse(answer.text)).toMatchObject({ status: answer.status, code });
  expect(answer.text).not.toMatch(/node_modules|swagger-ui-dist|ENOENT/);
}

const hex = (byte: number): string => `%${byte.toString(16).padStart(2, '0')}`;
const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

describe('the pages', () => {
  beforeAll(() => start());
  afterAll(() => edge.app.close());
  afterEach(() => expect(edge.logged).toEqual([]));

  it.each([
    '/docs/%00',
    '/docs/swagger-ui.css%00',
    '/docs/%00/../swagger-ui.css',
    '/docs/../package.json',
    '/docs/..%2fpackage.json',
    '/docs/%2e%2e/package.json',
    '/docs/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '/docs/..\\..\\package.json',
    '/docs/..%5c..%5cpackage.json',
    '/docs/....//....//etc/passwd',
    '/docs//etc/passwd',
    '/docs/%2fetc%2fpasswd',
    '/docs/.',
    '/docs/..',
    '/docs/./swagger-ui.css',
    '/docs//swagger-ui.css',
    '/docs/swagger-ui.css/',
    '/docs/swagger-ui.css/x',
    '/docs/swagger-ui.css%20',
    '/docs/swagger-ui.css.',
    '/docs/SWAGGER-UI.CSS',
    '/docs/con',
    '/docs/aux.js',
    '/docs/nul%2e',
    '/docs/swagger-ui.css::$DATA',
    '/docs/.git',
    '/docs/package.json',
    '/docs/index.js',
    '/docs/LICENSE',
    '/docs/oauth2-redirect.html',
    '/docs/oauth2-redirect.js',
    '/docs/swagger-ui-bundle.js.map',
    `/docs/${'x'.repeat(300)}`,
    `/docs/${'x'.repeat(5_000)}`,
    `/docs/${'x/'.repeat(2_000)}`,
    `/docs/${'../'.repeat(2_000)}`,
    `/docs/${encodeURIComponent('ü'.repeat(300))}`,
    '/errors/',
    '/errors/%00',
    '/errors/../docs',
    '/openapi.json/',
    '/openapi.json%00',
    '/openapi.yaml',
    '/docs-json',
    '/docs-yaml',
  ])('have nothing at %s: 404', async (path) => expectRefusal(await get(path), path, [404]));

  it('have an answer to each byte at each place of a path, encoded or not, and it is no failure', async () => {
    const places = ['/docs/', '/docs/swagger-ui', '/docs', '/errors/', '/errors', '/openapi.json', '/', '/api/v1/'];
    for (const before of places) {
      for (const after of ['', '/x']) {
        for (const byte of BYTES.filter((one) => !/[A-Za-z0-9?#/]/.test(String.fromCharCode(one)))) {
          const path = `${before}${hex(byte)}${after}`;
          expectRefusal(await get(path), path, [400, 404]);
        }
      }
      for (const byte of BYTES.filter((one) => ![0x0a, 0x0d, 0x20].includes(one))) {
        const { status } = await get(Buffer.concat([Buffer.from(before), Buffer.from([byte]), Buffer.from('z')]));
        expect([before, byte, [400, 404, 200].includes(status)]).toEqual([before, byte, true]);
      }
    }
  }, 120_000);

  it(`have an answer to whatever path comes (seed ${SEED})`, async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'docs',
        'errors',
        'openapi.json',
        'swagger-ui.css',
        '..',
        '.',
        '',
        '%2e%2e',
        '..%2f',
        '%5c',
        '..\\',
        'con',
        '%00',
        '%ff',
        '%c3%28',
        '%',
        '%zz',
        ';',
        '*',
        ':id',
        '__proto__',
        '%u0000',
      ),
      fc.integer({ min: 0, max: 255 }).map(hex),
      fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 12 }),
      fc.integer({ min: 200, max: 2_000 }).map((length) => 'x'.repeat(length)),
    );
    const paths = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => `/${pieces.join('/')}`);
    const check = async (path: string): Promise<void> => {
      const { status } = await get(path);
      expect([path, status < 500]).toEqual([path, true]);
    };
    const pathsOfDocs = paths.map((path) => `/docs${path}`);
    await fc.assert(fc.asyncProperty(fc.oneof(paths, pathsOfDocs), check), { seed: SEED, numRuns: 300 });
  }, 120_000);

  it('are whole whatever part of them is asked for, and not sent again to who has them', async () => {
    const whole = await get('/docs/swagger-ui.css');
    expect([whole.status, whole.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
    for (const header of [
      'Range: bytes=999999999-',
      'Range: bytes=5-9',
      'If-Match: "other"',
      'If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT',
    ]) {
      const answer = await get('/docs/swagger-ui.css', [header]);
      expect([header, answer.status, answer.text.length]).toEqual([header, 200, whole.text.length]);
    }
    expect((await get('/docs/swagger-ui.css', [`If-None-Match: ${whole.headers.get('etag')}`])).status).toBe(304);
    expect((await get('/docs/swagger-ui.css', [], 'HEAD')).status).toBe(200);
    expect((await get('/docs/%00', [], 'HEAD')).status).toBe(404);
  });

  it.each([
    '/docs',
    '/docs/',
    '/docs/index.html',
    '/errors',
    '/docs/swagger-ui.css',
    '/openapi.json',
    '/docs/%00',
    '/nowhere',
    '/',
  ])('and all else say what a browser may do with them: %s', async (path) => {
    const { headers } = await get(path);
    const policy = headers.get('content-security-policy')?.split('; ') ?? [];
    for (const name of ['default-src', 'base-uri', 'form-action', 'frame-ancestors'])
      expect(policy).toContain(`${name} 'none'`);
    expect(policy.join('; ')).not.toMatch(/script-src[^;]*unsafe|object-src|https?:|\*/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('are all that the page of Swagger UI loads', async () => {
    for (const page of ['/docs', '/docs/']) {
      const { text } = await get(page);
      const loaded = [...text.matchAll(/(?:src|href)=["']([^"']+)["']/g)].map(
        ([, at = '']) => new URL(at, `http://x${page}`).pathname,
      );
      expect(loaded.length).toBeGreaterThan(4);
      for (const path of loaded) expect([path, (await get(path)).status]).toEqual([path, 200]);
    }
  });
});

describe('DOCS=off', () => {
  beforeAll(() => start({ DOCS: 'off' }));
  afterAll(() => edge.app.close());

  it.each([
    '/docs',
    '/docs/',
    '/docs/index.html',
    '/docs/swagger-ui.css',
    '/docs/swagger-ui-init.js',
    '/docs/%00',
    '/openapi.json',
  ])('leaves no %s, as if it had never been there', async (path) => {
    const [off, unknown] = [await get(path), await get('/nowhere')];
    expectRefusal(off, path, [404]);
    expect({ ...JSON.parse(off.text), instance: '', request_id: '' }).toEqual({
      ...JSON.parse(unknown.text),
      instance: '',
      request_id: '',
    });
    expect((await get(path, [], 'PUT')).status).toBe(404);
  });

  it('leaves /errors, which each error links to', async () => {
    expect(await get('/errors')).toMatchObject({ status: 200, text: expect.stringContaining('route_not_found') });
  });
});
