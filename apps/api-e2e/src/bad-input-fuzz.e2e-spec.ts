import fc from 'fast-check';
import { startStack, type Stack } from '@edgechat/testing';
import { INPUTS, PASSWORD, type Scene } from './inputs.js';
import { expectProblem } from './problems.js';
import { setScene } from './scene.js';

/** Random bodies for every call. The seed is in the name of each test: run it again with FUZZ_SEED=<seed>. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2_147_483_647);
const RUNS = 80;

let stack: Stack;
let scene: Scene;
beforeAll(async () => {
  stack = await startStack({ apis: 1, workers: 1 });
  scene = await setScene(stack);
  const { client } = scene;
  // The refresh token of a second session: a body that happens to be right must not end the one all calls are made in.
  client.refreshToken = String(
    (await client.post('/auth/login', { email: client.email, password: PASSWORD })).body['refresh_token'],
  );
});
afterAll(() => stack.close());

/** Any text, lone surrogates and NUL among them: `JSON.stringify` writes those as escapes. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom('\0', '\ud800', '\udc00', '😀', 'a', '@', '.', '"', '\\', '%', '$', '{'),
    ),
    { maxLength: 40 },
  )
  .map((units) => units.join(''));
const anyValue = fc.oneof(
  { weight: 3, arbitrary: anyText },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 5 }) },
  fc.constantFrom(
    null,
    '',
    0,
    -0,
    1e308,
    2 ** 53,
    2 ** 63,
    true,
    [],
    [1],
    [2, 2, 1e300],
    [0],
    [{}],
    {},
    { $gt: '' },
    { $where: 'sleep(1)' },
    ['x'],
    'x'.repeat(33_000),
  ),
);
const oddNames = fc.constantFrom('__proto__', 'constructor', 'toString', '$set', '', 'a.b', 'then', 'toJSON', 'length');

/** The answers a random body may get: what is right, every 4xx, and 503 where the document says so. */
function isAllowed(status: number): boolean {
  return status < 500 || status === 503;
}

afterEach(async () => {
  expect(stack.apis[0]?.output).not.toContain('a request failed by a bug');
  expect((await scene.client.get('/auth/me')).status).toBe(200);
});

describe.each(INPUTS.map((input) => [input.name, input] as const))('%s', (_, input) => {
  const anyBody = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record(Object.fromEntries(Object.keys(input.fields).map((field) => [field, anyValue])), {
        requiredKeys: [],
      }),
    },
    { weight: 1, arbitrary: fc.jsonValue() },
    {
      weight: 1,
      arbitrary: fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(input.fields)), oddNames), anyValue),
    },
  );

  it(`has an answer to whatever JSON comes, and it is never a bug (seed ${SEED})`, async () => {
    const send = async (body: unknown): Promise<void> => {
      const answer = await scene.client.call(input.method, input.path(scene), { body });
      expect([answer.status, isAllowed(answer.status)]).toEqual([answer.status, true]);
      [answer]
        .filter(({ status }) => status >= 400)
        .forEach((refusal) => expectProblem(refusal, refusal.status, refusal.body['code']));
    };
    await fc.assert(fc.asyncProperty(anyBody, send), { seed: SEED, numRuns: RUNS });
  });

  it(`has an answer to whatever bytes come (seed ${SEED})`, async () => {
    const right = Buffer.from(JSON.stringify(input.body(scene)));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(fc.nat(right.length - 1), fc.nat(255))
        .map(([at, byte]) => Uint8Array.from(right, (old, i) => (i === at ? byte : old))),
      fc.nat(right.length - 1).map((end) => right.subarray(0, end)),
    );
    const send = async (raw: Uint8Array): Promise<void> => {
      const { status } = await scene.client.call(input.method, input.path(scene), { raw: Buffer.from(raw) });
      expect([status, isAllowed(status)]).toEqual([status, true]);
    };
    await fc.assert(fc.asyncProperty(bytes, send), { seed: SEED, numRuns: RUNS });
  });
});
