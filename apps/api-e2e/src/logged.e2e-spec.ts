import { randomUUID } from 'node:crypto';
import { eventually, startStack, type Client, type Stack } from '@edgechat/testing';

/** What nobody may find in the logs of both processes, however much they write. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ env: { LOG_LEVEL: 'debug' } });
});
afterAll(() => stack.close());

const logged = (): string => [...stack.apis, ...stack.workers].map(({ output }) => output).join('\n');
const lines = (): readonly Record<string, unknown>[] =>
  logged()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** A word that is nowhere else. */
const word = (what: string): string => `${what}-${randomUUID().slice(0, 13)}`;

const PASSWORD = word('password');
const LOCAL_PART = word('mail');
const SAID = [word('message'), word('title'), word('name'), word('query'), word('prompt'), word('path'), word('field')];
const [MESSAGE, TITLE, NAME, QUERY, PROMPT, PATH, FIELD] = SAID as [string, ...string[]] & string[];

/** Does once what people do, and what they do wrong. Gives the tokens that were had. */
async function live(): Promise<string[]> {
  const email = `${LOCAL_PART}@example.com`;
  const me = await stack.client().register(email, PASSWORD);
  await me.call('PATCH', '/auth/me', { body: { display_name: NAME } });
  const conversation = await me.conversation({ title: TITLE });
  await me.send(conversation, `${MESSAGE} [[fail 500]]`);
  await me.send(conversation, MESSAGE, word('key'));
  await me.post('/ai/complete', { prompt: PROMPT });
  await me.get(`/search?q=${QUERY}`);
  await me.get(`/accounts?email=${encodeURIComponent(email)}`);
  await wrong(me, email);
  const { body } = await stack.client().post('/auth/refresh', { refresh_token: me.refreshToken });
  return [me.token, me.refreshToken, body['access_token'], body['refresh_token']].map(String);
}

async function wrong(me: Client, email: string): Promise<void> {
  await stack.client().post('/auth/login', { email, password: `${PASSWORD}?` });
  await me.post('/auth/password', { old_password: `${PASSWORD}?`, new_password: `${PASSWORD}!` });
  await me.get(`/${PATH}?${PATH}=${PATH}`);
  await me.get(`/chat/conversations/${PATH}/messages`);
  await me.post('/ai/complete', undefined, { raw: `{"prompt": "${PROMPT}` });
  await me.post('/chat/conversations', { [FIELD ?? '']: FIELD, kind: FIELD, title: `${FIELD}\0` });
  await me.get('/auth/me', { headers: { authorization: `Bearer ${PATH}`, 'x-forwarded-for': '203.0.113.99' } });
}

describe('the logs', () => {
  it('hold no password, token, e-mail address or name, and nothing of what was said, asked or searched for', async () => {
    const tokens = await live();
    await eventually(() => lines().filter(({ msg }) => msg === 'answered').length >= 15);
    await eventually(() => lines().some(({ process, msg }) => process === 'worker' && msg === 'the assistant failed'));

    const found = [PASSWORD, LOCAL_PART, ...SAID, ...tokens].filter((text) => logged().includes(text));
    expect(found).toEqual([]);
    expect(logged()).not.toMatch(/@example\.com|203\.0\.113\.99|argon2id\$/);
  });

  it('say of each answer when, who, what and which request, refused ones too', async () => {
    const id = word('request');
    await stack.client().get('/auth/me', { headers: { 'x-request-id': id } });
    const line = await eventually(() => lines().find(({ requestId }) => requestId === id) ?? false);
    expect(line).toMatchObject({ level: 'info', process: 'api', method: 'GET', route: '/api/v1/auth/me', status: 401 });
    expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

    const me = await stack.client().register();
    const account = Number((await me.get('/auth/me', { headers: { 'x-request-id': `${id}-2` } })).body['id']);
    const own = await eventually(() => lines().find(({ requestId }) => requestId === `${id}-2`) ?? false);
    expect(own).toMatchObject({ status: 200, account });
  });

  it('are a line for each event, whatever a client puts into its request id', async () => {
    const forged = '","level":"error","msg":"forged';
    await stack.client().get('/health', { headers: { 'x-request-id': forged } });
    await stack.client().get('/auth/me', { headers: { 'x-request-id': forged } });
    const line = await eventually(() => lines().find(({ requestId }) => requestId === forged) ?? false);
    expect(line).toMatchObject({ level: expect.stringMatching(/^(debug|info)$/), msg: 'answered' });
    expect(lines().filter(({ msg }) => msg === 'forged')).toEqual([]);
  });
});
