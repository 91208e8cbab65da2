import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { startProviderServer, type Behaviour, type ProviderServer } from '@edgechat/testing';
import { checkProvider, type Finding } from './check-provider.js';
import type { AiSettings } from './create-language-model.js';
import { leaveProviders, reachProvidersBy } from './provider-fetch.js';
import { whatToMend } from './what-to-mend.js';

const KEY = 'sk-secret-4711';
type Provider = 'gemini' | 'openai' | 'anthropic';

let server: ProviderServer;
beforeAll(async () => {
  server = await startProviderServer();
});
afterAll(() => server.stop());

const settingsFor = (aiProvider: Provider, more: Partial<AiSettings> = {}): AiSettings => ({
  aiProvider,
  geminiApiKey: KEY,
  geminiModel: 'm-1',
  geminiBaseUrl: server.baseUrls.gemini,
  openaiApiKey: KEY,
  openaiModel: 'm-1',
  openaiBaseUrl: server.baseUrls.openai,
  anthropicApiKey: KEY,
  anthropicModel: 'm-1',
  anthropicBaseUrl: server.baseUrls.anthropic,
  ...more,
});

/** A port that nobody listens at any more. */
async function freePort(): Promise<number> {
  const own = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => own.once('listening', resolve));
  const { port } = own.address() as AddressInfo;
  await new Promise((resolve) => own.close(resolve));
  return port;
}

const never = new AbortController().signal;

/** What was found, the word for it, and the variable to look at. */
async function check(provider: Provider, more: Partial<AiSettings> = {}): Promise<(string | number | null)[]> {
  const finding = await checkProvider(settingsFor(provider, more), never, 2_000);
  return shown(provider, finding);
}

function shown(provider: Provider, finding: Finding | null): (string | number | null)[] {
  if (finding === null || finding.status === 'ready') return [finding?.status ?? null];
  expect(inspect(finding, { depth: 9, showHidden: true })).not.toMatch(/4711|sentence/);
  const { status, reason } = finding.fault;
  return [finding.status, status, reason, whatToMend(provider, finding.fault)?.variable ?? null];
}

/** The check against a provider that answers it so. */
async function checkWhere(provider: Provider, behaviour: Behaviour): Promise<(string | number | null)[]> {
  const { forget } = server.judge(({ question, wire }) => (question === '' && wire === provider ? behaviour : null));
  try {
    return await check(provider);
  } finally {
    forget();
  }
}

const raw = (status: number, body: unknown): Behaviour => ({ kind: 'raw', status, body });
const SENTENCE = `a sentence with the key ${KEY} in it`;

const BAD_KEY: Readonly<Record<Provider, Behaviour>> = {
  gemini: raw(400, {
    error: {
      code: 400,
      message: SENTENCE,
      status: 'INVALID_ARGUMENT',
      details: [
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID', domain: 'googleapis.com' },
      ],
    },
  }),
  openai: raw(401, {
    error: { message: SENTENCE, type: 'invalid_request_error', param: null, code: 'invalid_api_key' },
  }),
  anthropic: raw(401, { type: 'error', error: { type: 'authentication_error', message: SENTENCE } }),
};

describe.each<Provider>(['gemini', 'openai', 'anthropic'])('the check of %s', (provider) => {
  const named = (kind: string): string => `${provider.toUpperCase()}_${kind}`;

  it('finds it ready where it takes the key and has the model, and asks it nothing that costs', async () => {
    const before = server.requests().length;
    expect(await check(provider)).toEqual(['ready']);
    expect(server.requests()).toHaveLength(before);
  });

  it('finds a key that it refuses, names the variable, and repeats no sentence of the provider', async () => {
    const [status, , , variable] = await checkWhere(provider, BAD_KEY[provider]);
    expect([status, variable]).toEqual(['refused', named('API_KEY')]);
  });

  it('finds nobody there', async () => {
    const more = { [`${provider}BaseUrl`]: `http://127.0.0.1:${await freePort()}/v1` };
    expect(await check(provider, more)).toEqual(['away', null, 'ECONNREFUSED', named('BASE_URL')]);
  });

  it('finds an address that nobody may call (port 9), and goes on', async () => {
    const more = { [`${provider}BaseUrl`]: 'http://127.0.0.1:9/v1' };
    expect(await check(provider, more)).toEqual(['away', null, null, named('BASE_URL')]);
  });

  it('finds a provider that hangs after its time, and no later', async () => {
    expect(await checkWhere(provider, { kind: 'hang' })).toEqual(['away', null, 'TIMEOUT', named('BASE_URL')]);
  });

  it('ends when the process stops', async () => {
    const { forget } = server.judge(() => ({ kind: 'hang' }));
    const stop = new AbortController();
    const checking = checkProvider(settingsFor(provider), stop.signal);
    stop.abort();
    await expect(checking).rejects.toThrow();
    forget();
  });

  it.each([500, 503, 529])('says of a provider that is broken (%d) that it is away', async (status) => {
    expect((await checkWhere(provider, raw(status, {}))).slice(0, 2)).toEqual(['away', status]);
  });

  it('finds a page of the web, or a body that is no JSON, to say nothing', async () => {
    expect((await checkWhere(provider, raw(200, '<!doctype html><p>welcome'))).slice(0, 2)).toEqual(['unknown', 200]);
    expect((await checkWhere(provider, raw(200, { data: 'no list' }))).slice(0, 2)).toEqual(['unknown', 200]);
    expect((await checkWhere(provider, raw(200, 'null'))).slice(0, 2)).toEqual(['unknown', 200]);
  });

  it('finds a redirect to be the wrong address, and follows it nowhere', async () => {
    const answer = await checkWhere(provider, {
      kind: 'raw',
      status: 308,
      headers: { location: server.url },
      body: '',
    });
    expect([answer[0], answer[3]]).toEqual(['refused', named('BASE_URL')]);
  });

  it('finds no call for models to say nothing', async () => {
    expect((await checkWhere(provider, raw(404, 'not found'))).slice(0, 2)).toEqual(['unknown', 404]);
    expect((await checkWhere(provider, raw(403, { error: SENTENCE }))).slice(0, 2)).toEqual(['unknown', 403]);
    expect((await checkWhere(provider, raw(405, ''))).slice(0, 2)).toEqual(['unknown', 405]);
    expect((await checkWhere(provider, raw(501, ''))).slice(0, 2)).toEqual(['unknown', 501]);
    expect((await checkWhere(provider, raw(429, {}))).slice(0, 2)).toEqual(['unknown', 429]);
  });

  it('asks nobody when there is no key', async () => {
    const more = { [`${provider}ApiKey`]: undefined, openaiBaseUrl: undefined };
    expect(await check(provider, more)).toEqual([null]);
  });
});

/** The providers' own addresses, to which a proxy of the test is the way. */
const THEIR_OWN: Partial<AiSettings> = {
  geminiBaseUrl: 'http://generativelanguage.googleapis.com/v1beta',
  openaiBaseUrl: 'http://api.openai.com/v1',
  anthropicBaseUrl: 'http://api.anthropic.com/v1',
};

/** The check of a provider itself that answers so. */
async function checkOfProviderWhere(
  provider: Provider,
  status: number,
  body: unknown,
): Promise<(string | number | null)[]> {
  const proxy = createServer((_, response) => {
    response.writeHead(status, { connection: 'close' }).end(typeof body === 'string' ? body : JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => proxy.once('listening', resolve));
  const { port } = proxy.address() as AddressInfo;
  reachProvidersBy({ httpProxy: `http://127.0.0.1:${port}`, noProxy: [] });
  try {
    return await check(provider, THEIR_OWN);
  } finally {
    await leaveProviders();
    proxy.close();
  }
}

/** How providers say that a key may not do this one thing. */
const TOO_FEW_PERMISSIONS: [Provider, number, string][] = [
  [
    'openai',
    401,
    '{"error":{"message":"You have insufficient permissions for this operation.","code":"missing_scope"}}',
  ],
  ['openai', 401, '{"error":{"message":"Missing scopes: api.model.read","type":"invalid_request_error","code":null}}'],
  ['openai', 403, '{"error":{"message":"You do not have the required permission for this","code":"unauthorized"}}'],
  [
    'anthropic',
    403,
    '{"error":{"type":"permission_error","message":"Your API key does not have permission to use it"}}',
  ],
  [
    'gemini',
    403,
    '{"error":{"status":"PERMISSION_DENIED","message":"Request had insufficient authentication scopes."}}',
  ],
];

describe('too few permissions', () => {
  it.each(TOO_FEW_PERMISSIONS)('say nothing of answers: %s %d %j', async (provider, status, body) => {
    expect((await checkOfProviderWhere(provider, status, body)).slice(0, 2)).toEqual(['unknown', status]);
    expect((await checkWhere(provider, raw(status, body))).slice(0, 2)).toEqual(['unknown', status]);
  });

  it.each<[Provider, number, object]>([
    ['openai', 401, { error: { message: 'Incorrect API key provided', code: 'invalid_api_key' } }],
    ['anthropic', 403, { type: 'error', error: { type: 'permission_error', message: SENTENCE } }],
    [
      'gemini',
      403,
      { error: { code: 403, status: 'PERMISSION_DENIED', message: 'Your API key was reported as leaked.' } },
    ],
  ])('are not what a refused key is: %s %d %j', async (provider, status, body) => {
    const [found, , , variable] = await checkOfProviderWhere(provider, status, body);
    expect([found, variable]).toEqual(['refused', `${provider.toUpperCase()}_API_KEY`]);
  });
});

describe('the model', () => {
  it.each<[Provider, object]>([
    ['gemini', { error: { code: 404, message: SENTENCE, status: 'NOT_FOUND' } }],
    ['anthropic', { type: 'error', error: { type: 'not_found_error', message: SENTENCE } }],
  ])('that %s does not have is named, where it says so itself', async (provider, body) => {
    const [status, , , variable] = await checkOfProviderWhere(provider, 404, body);
    expect([status, variable]).toEqual(['refused', `${provider.toUpperCase()}_MODEL`]);
    expect((await checkWhere(provider, raw(404, body))).slice(0, 2)).toEqual(['unknown', 404]);
  });

  it.each([
    ['m-1', ['m-1']],
    ['llama3', ['mistral:7b', 'llama3:latest']],
    ['gemini-2.5-flash', ['models/gemini-2.5-flash']],
  ])('%s is in the list %j', async (openaiModel, ids) => {
    const { forget } = server.judge(() => raw(200, { object: 'list', data: ids.map((id) => ({ id })) }));
    expect(await check('openai', { openaiModel })).toEqual(['ready']);
    forget();
  });

  it.each([
    ['in no list', { object: 'list', data: [{ id: 'other' }, { id: 'llama3:8b' }, { no: 'id' }, null] }],
    ['in an empty list', { object: 'list', data: [] }],
    ['in the list of an Ollama without models', { object: 'list', data: null }],
  ])('that is %s is told as such, which is no refusal', async (_, body) => {
    const { forget } = server.judge(() => raw(200, body));
    expect(await check('openai', { openaiModel: 'llama3' })).toEqual(['not_listed', 200, 'not_listed', 'OPENAI_MODEL']);
    forget();
  });

  it('is not looked for in a list of more than 4 MiB', async () => {
    const { forget } = server.judge(() => raw(200, { object: 'list', data: [{ id: 'x'.repeat(5 * 1_024 * 1_024) }] }));
    expect((await check('openai')).slice(0, 2)).toEqual(['unknown', 200]);
    forget();
  });
});

describe('a key of OpenAI’s format', () => {
  it('may ask without being allowed to list: 403 says nothing, but for the region', async () => {
    expect((await checkWhere('openai', raw(403, { error: { message: SENTENCE, code: null } }))).slice(0, 2)).toEqual([
      'unknown',
      403,
    ]);
    const region = raw(403, { error: { message: SENTENCE, code: 'unsupported_country_region_territory' } });
    expect(await checkWhere('openai', region)).toEqual([
      'refused',
      403,
      'unsupported_country_region_territory',
      'OPENAI_API_KEY',
    ]);
  });

  it('is not needed by a server of one’s own', async () => {
    expect(await check('openai', { openaiApiKey: undefined })).toEqual(['ready']);
  });
});

describe('a broken connection', () => {
  it.each<[string, RequestListener]>([
    ['before an answer', (request) => request.socket.destroy()],
    ['in the middle of it', (_, response) => void (response.write('{"data":'), setImmediate(() => response.destroy()))],
  ])('%s is told as being away', async (_, listener) => {
    const own = createServer(listener).listen(0, '127.0.0.1');
    await new Promise((resolve) => own.once('listening', resolve));
    const { port } = own.address() as AddressInfo;
    const answer = await check('openai', { openaiBaseUrl: `http://127.0.0.1:${port}/v1` });
    expect([answer[0], answer[3]]).toEqual(['away', 'OPENAI_BASE_URL']);
    own.close();
  });
});
