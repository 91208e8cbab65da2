import { startStack, type Answer, type Stack } from '@edgechat/testing';
import { INPUTS, type Scene } from './inputs.js';
import { expectProblem } from './problems.js';
import { exchange, rawRequest } from './raw-http.js';
import { refused as refusedIn, setScene } from './scene.js';

let stack: Stack;
let scene: Scene;
beforeAll(async () => {
  stack = await startStack({ apis: 1, workers: 1 });
  scene = await setScene(stack);
});
afterAll(() => stack.close());

const refused = (call: () => Promise<Answer>): Promise<Answer> => refusedIn([scene], call);

describe('a query', () => {
  it.each(['q=%ff', 'q=caf%E9', 'q=%', 'q=%zz', 'q=%ED%A0%80', 'q=%C0%80', '%E9=1', 'limit=5&unknown=%ff'])(
    'is 400 on every call when it is not percent-encoded UTF-8: %s',
    async (query) => {
      for (const path of [
        '/chat/conversations',
        `/chat/conversations/${scene.conversation}/messages`,
        '/search',
        '/auth/me',
        '/nowhere',
        '/health',
      ])
        expectProblem(await refused(() => scene.client.get(`${path}?${query}`)), 400, 'malformed_request');
      for (const input of INPUTS) {
        const path = `${input.path(scene)}?${query}`;
        const call = () => scene.client.call(input.method, path, { raw: JSON.stringify(input.body(scene)) });
        expectProblem(await refused(call), 400, 'malformed_request');
      }
    },
  );

  it('is 400 when its bytes are not encoded at all, and searches for what it says when they are', async () => {
    const { client, conversation } = scene;
    const search = (q: string) =>
      exchange(
        stack.url(0),
        Buffer.from(rawRequest(`GET /api/v1/search?q=${q}`, [`Authorization: Bearer ${client.token}`]), 'latin1'),
      );
    for (const q of ['caf\u00c3\u00a9', 'caf\u00e9'])
      expectProblem(await refused(() => search(q)), 400, 'malformed_request');
    for (const q of ['caf%C3%A9', 'caf%c3%a9', 'kept+caf%25', '%22kept+too%22'])
      expect((await search(`${q}&conversation_id=${conversation}`)).status).toBe(200);
  });
});
