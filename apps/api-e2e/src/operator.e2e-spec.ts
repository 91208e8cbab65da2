import { eventually, startStack, type Stack } from '@edgechat/testing';

const KEY = 'sk-secret-4711';
const SENTENCE = 'Incorrect API key provided: sk-sec**4711, with the words of the prompt.';
const REFUSED = '"msg":"the AI provider refuses this server"';

describe('the operator', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ env: { OPENAI_API_KEY: KEY } });
  });
  afterAll(() => stack.close());

  const logged = (): string => stack.workers.map(({ output }) => output).join('');
  const linesWith = (words: string): string[] =>
    logged()
      .split('\n')
      .filter((line) => line.includes(words));

  it('is told once, in a line, that the provider is ready when the worker starts', async () => {
    await eventually(() => linesWith('the AI provider is ready').length === 1);
    expect(linesWith('the AI provider is ready')[0]).toMatch(
      /"level":"info".*"provider":"openai","model":"gpt-4o-mini"/,
    );
    expect(stack.provider.requests()).toEqual([]);
  });

  it('is told of a key that the provider refuses at the start, and once after however many sends; whoever asks when it is mended is answered', async () => {
    const body = { error: { message: SENTENCE, type: 'invalid_request_error', code: 'invalid_api_key' } };
    const { forget } = stack.provider.judge(() => ({ kind: 'raw', status: 401, body }));
    const worker = await (await stack.add('worker')).start();
    await eventually(() => worker.output.includes(REFUSED));
    await worker.stop();

    const client = await stack.client().register();
    const conversation = await client.conversation();
    for (let i = 0; i < 4; i += 1) expect((await client.send(conversation, `words ${i}`)).status).toBe(503);
    const told = linesWith(REFUSED);
    expect(told).toHaveLength(2);
    for (const line of told)
      expect(line).toMatch(/"level":"error".*"status":401,"reason":"invalid_api_key".*"variable":"OPENAI_API_KEY"/);
    forget();

    expect((await client.send(conversation, 'and now?')).status).toBe(200);
    await eventually(() => linesWith('the assistant answers again').length === 1);
    expect(logged() + stack.apis.map(({ output }) => output).join('')).not.toMatch(/4711|words/);
  });

  it.each([
    ['OPENAI_API_KEY', 'sk-7f3a\u200b'],
    ['HTTPS_PROXY', 'http://ada:p7f3a#x@proxy.example:3128'],
    ['https_proxy', 'socks5://ada:p7f3a@proxy.example'],
    ['OPENAI_BASE_URL', 'http://ada:p7f3a@127.0.0.1:1/v1'],
    ['OPENAI_MODEL', 'm-7f3a\n'.repeat(2)],
  ])(
    'is told that %s cannot be, by its name and without its value, and the worker does not start',
    async (name, value) => {
      const worker = await stack.add('worker');
      await worker.start({ [name]: value }, { waits: false });
      expect(await worker.exited()).toBe(1);
      expect(worker.output).toMatch(new RegExp(`^${name.toUpperCase()} must `));
      expect(worker.output).not.toContain('7f3a');
    },
  );
});
