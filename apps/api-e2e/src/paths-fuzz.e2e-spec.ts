import { connect } from 'node:net';
import { AppProcess, startStack, type Stack } from '@edgechat/testing';
import fc from 'fast-check';
import { freePort } from '../../../tools/local-stack/engines.mjs';
import type { Scene } from './inputs.js';
import { OpenApiDocument } from './openapi-document.js';
import { expectProblem } from './problems.js';
import { exchange, rawRequest } from './raw-http.js';
import { setScene } from './scene.js';

/** Random paths. The seed is in the name of each test: run it again with FUZZ_SEED=<seed>. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2_147_483_647);
const RUNS = 250;

let stack: Stack;
let scene: Scene;
let operations: readonly string[];
beforeAll(async () => {
  stack = await startStack({ apis: 1, workers: 0 });
  scene = await setScene(stack);
  operations = new OpenApiDocument((await scene.client.get('//openapi.json')).body).operations;
});
afterAll(() => stack.close());

/** What stands between two slashes: ids and numbers that are nearly right, and what a file system, a decoder or a store might take for something else. */
const piece = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '',
    '%2e%2e',
    '..%2f..%2fetc%2fpasswd',
    '%5c..%5c',
    '..\\',
    'con',
    '%00',
    '1%00',
    '%ff',
    '%c0%ae',
    '%c3%28',
    '%ed%a0%80',
    '%',
    '%zz',
    '%u0000',
  ),
  fc.constantFrom(
    '0',
    '-1',
    '1e3',
    '9007199254740993',
    '99999999999999999999',
    'NaN',
    'null',
    'undefined',
    '__proto__',
    'constructor',
    '{id}',
    ':id',
    '*',
    '%27--',
    '%24where',
  ),
  fc.uuid(),
  fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`),
  fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
  fc.integer({ min: 200, max: 4_000 }).map((length) => 'x'.repeat(length)),
);

async function check(method: string, path: string): Promise<void> {
  const answer = await exchange(
    stack.url(0),
    rawRequest(`${method} ${path}`, [`Authorization: Bearer ${scene.client.token}`]),
  );
  expect([method, path, answer.status < 500]).toEqual([method, path, true]);
  [answer]
    .filter(({ status }) => status >= 400 && method !== 'HEAD')
    .forEach((refusal) => expectProblem(refusal, refusal.status, refusal.body['code']));
}

afterEach(async () => {
  expect(stack.apis[0]?.output).not.toContain('a request failed by a bug');
  expect((await scene.client.get('/auth/me')).status).toBe(200);
});

describe('whatever path comes', () => {
  it(`is no failure where a call has an id or a number (seed ${SEED})`, async () => {
    const withPlaces = operations.filter((name) => name.includes('{'));
    expect(withPlaces.length).toBeGreaterThan(5);
    const calls = fc.tuple(fc.constantFrom(...withPlaces), piece, piece).map(([name, first, second]) => {
      const [method = '', path = ''] = name.split(' ');
      return [method.toUpperCase(), path.replace(/\{[^}]+\}/, () => first).replace(/\{[^}]+\}/, () => second)] as const;
    });
    await fc.assert(
      fc.asyncProperty(calls, ([method, path]) => check(method, path)),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it(`is no failure behind any beginning, with any method (seed ${SEED})`, async () => {
    const begins = fc.constantFrom(
      '/',
      '/docs/',
      '/docs/swagger-ui.css/',
      '/errors/',
      '/openapi.json/',
      '/api/',
      '/api/v1/',
      '/api/v1/auth/',
      '/api/v1/chat/conversations/',
      '/api/v1/health/',
    );
    const methods = fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE');
    const rests = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('/'));
    await fc.assert(
      fc.asyncProperty(methods, begins, rests, (method, begin, rest) => check(method, `${begin}${rest}`)),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it.each(['/docs/%00', '/docs/..%2f..%2fpackage.json', '/docs/../package.json', `/docs/${'x'.repeat(300)}`])(
    'is 404 where no file is, however it is spelled: %s',
    async (path) => expectProblem(await exchange(stack.url(0), rawRequest(`GET ${path}`, [])), 404, 'route_not_found'),
  );
});

describe('an API that is told neither HOST nor DOCS', () => {
  const isOpenAt = (host: string, port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, host)
        .on('connect', () => resolve(socket.destroy().destroyed))
        .on('error', () => resolve(false));
    });

  // All of 127.0.0.0/8 is this machine on Linux: what listens on all addresses answers at each, and what listens on one does not.
  const each = process.platform === 'linux' ? it.each : it.skip.each;
  each([
    [{}, [true, false]],
    [{ HOST: '0.0.0.0' }, [true, true]],
  ])('is reached from its own machine alone, with %j by others too', async (env, reached) => {
    const port = await freePort();
    const api = new AppProcess(
      'api',
      { ...stack.stores.env, PORT: String(port), ...env },
      `http://127.0.0.1:${port}/api/v1/health`,
    );
    await api.start();
    expect([await isOpenAt('127.0.0.1', port), await isOpenAt('127.0.0.2', port)]).toEqual(reached);
    await api.stop();
  });
});
