import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, startStack, type Client, type Stack } from '@edgechat/testing';
import { failByCode } from './failing-provider.js';
import { Answers } from './openapi-answers.js';
import { seeFailures } from './openapi-failures.js';
import { filled, type Seen } from './openapi-places.js';
import { OpenApiDocument } from './openapi-document.js';

const ROOT = join(import.meta.dirname, '../../..');

/** Holds the running system to its OpenAPI document, and the document to the system. */
let stack: Stack;
let bare: Stack;
let document: OpenApiDocument;
let seen: readonly Seen[];
beforeAll(async () => {
  const env = { JWT_SECRET: 'a secret of thirty-two bytes or so' };
  [stack, bare] = await Promise.all([
    startStack({ env: { ...env, FAN_OUT_WRITE_LIMIT: '2' } }),
    startStack({
      workers: 0,
      env: { ...env, AI_PROVIDER: undefined, OPENAI_BASE_URL: undefined, AI_TIMEOUT_MS: '3000' },
    }),
  ]);
  failByCode(stack.provider);
  const client = await stack.client().register();
  document = new OpenApiDocument((await client.get('//openapi.json')).body);
  const nowhere = {
    DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/x',
    MONGODB_URL: 'mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=500',
    REDIS_URL: 'redis://127.0.0.1:1/0',
  };
  const [lost, limited] = [client.at(await another(nowhere)), client.at(await another({ RATE_LIMIT_REQUESTS: '1' }))];
  const hastyUrl = await another({ AI_TIMEOUT_MS: '2000' });
  await limited.get('/auth/me');
  const spent = {
    text: client.at(await another({ TEXT_MB_PER_DAY: '0', REGISTRATION: 'closed' })),
    tokens: client.at(await another({ AI_TOKENS_PER_DAY: '0', REGISTRATION: 'invite', REGISTRATIONS_PER_HOUR: '0' })),
    searches: client.at(await another({ SEARCHES_AT_ONCE: '0' })),
    strangers: client.at(await another({ STRANGERS_PER_DAY: '0' })),
  };
  for (const one of Object.values(spent))
    await eventually(async () => (await one.get('/health/started')).status === 200);

  const answers = new Answers();
  await Promise.all([
    answers.ofItsOwn(client),
    seeFailures(answers, stack, hastyUrl),
    answers.ofMembers(stack),
    answers.ofAllCalls(client, limited, document.operations),
    answers.ofSpent(spent),
    answers.ofDoors(stack, { closed: spent.text, invited: spent.tokens }),
    answers.withoutStores(lost, document.operations),
    answers.withoutProvider(bare),
  ]);
  seen = answers.seen;
});
afterAll(() => Promise.all([stack.close(), bare.close()]));

/** Starts a further API and gives its URL; waits only until it listens, since its stores may be nowhere. */
async function another(env: Record<string, string>): Promise<string> {
  const api = await stack.add('api');
  await api.start(env, { waits: false });
  const client: Client = stack.client(stack.apis.indexOf(api));
  await eventually(() => client.get('/health'));
  return client.url;
}

/** The calls of today. A new call belongs here. */
const OPERATIONS = [
  'get /',
  'get /api/v1/health',
  'get /api/v1/health/started',
  'get /api/v1/health/ready',
  'get /api/v1/health/db',
  'get /api/v1/health/mongo',
  'post /api/v1/auth/register',
  'post /api/v1/auth/login',
  'post /api/v1/auth/refresh',
  'post /api/v1/auth/logout',
  'post /api/v1/auth/password',
  'get /api/v1/auth/sessions',
  'delete /api/v1/auth/sessions',
  'delete /api/v1/auth/sessions/{id}',
  'get /api/v1/auth/me',
  'patch /api/v1/auth/me',
  'get /api/v1/usage/me',
  'post /api/v1/ai/complete',
  'post /api/v1/chat/conversations',
  'get /api/v1/chat/conversations',
  'delete /api/v1/chat/conversations/{id}',
  'post /api/v1/chat/conversations/{id}/messages',
  'get /api/v1/chat/conversations/{id}/messages',
  'get /api/v1/accounts',
  'get /api/v1/search',
  'get /api/v1/chat/conversations/{id}',
  'patch /api/v1/chat/conversations/{id}',
  'put /api/v1/chat/conversations/{id}/read',
  'get /api/v1/chat/conversations/{id}/messages/{seq}',
  'get /api/v1/chat/conversations/{id}/members',
  'post /api/v1/chat/conversations/{id}/members',
  'patch /api/v1/chat/conversations/{id}/members/{account_id}',
  'delete /api/v1/chat/conversations/{id}/members/{account_id}',
].sort();

describe('the OpenAPI document', () => {
  it('has every route of the controllers, and no other', () => {
    const routes = readdirSync(join(ROOT, 'apps/api/src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.controller.ts'))
      .flatMap((file) =>
        readFileSync(join(ROOT, 'apps/api/src', file), 'utf8')
          .split(/^@Controller/m)
          .slice(1)
          .flatMap(routesOf),
      );
    expect(document.operations).toEqual(routes.sort());
    expect(document.operations).toEqual(OPERATIONS);
  });

  it('has for each path the methods that the system has', async () => {
    for (const [path, item] of Object.entries<object>(document.json['paths'])) {
      const allowed =
        (await stack.client().call('OPTIONS', `/${filled(path)}`)).headers.get('allow')?.split(', ') ?? [];
      expect([path, allowed.filter((method) => !['HEAD', 'OPTIONS'].includes(method)).sort()]).toEqual([
        path,
        Object.keys(item)
          .map((method) => method.toUpperCase())
          .sort(),
      ]);
    }
  });

  it('knows every kind of conversation, to ask for and to get', () => {
    const { schemas } = document.json['components'];
    for (const name of ['ConversationRequest', 'ConversationResponse'])
      expect([name, schemas[name].properties.kind.enum]).toEqual([name, ['assistant', 'direct', 'group']]);
  });

  it('says where null takes something away', () => {
    expect(document.json['components'].schemas.ConversationChangeRequest.properties.title.type).toEqual([
      'string',
      'null',
    ]);
  });

  it('bounds the lists that it takes', () => {
    const { schemas } = document.json['components'];
    const lists = [schemas.ConversationRequest.properties.member_ids, schemas.NewMembersRequest.properties.account_ids];
    expect(lists).toMatchObject(
      [0, 1].map((minItems) => ({ type: 'array', items: { type: 'integer', minimum: 1 }, minItems, maxItems: 1_000 })),
    );
  });

  it('was provoked to every error that it knows, but for those that no client can cause', () => {
    const known = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').match(/(?<=^## )\w+$/gm) ?? [];
    const codes = new Set(seen.map(({ answer }) => String(answer.body['code'])));
    expect(known.filter((code) => !codes.has(code))).toEqual(Object.keys(UNPROVOKED));
  });
});

/** Why no answer of these codes is among those that were seen. */
const UNPROVOKED = {
  route_not_found: 'belongs to no operation; contract-edge.e2e-spec.ts holds the answers',
  method_not_allowed: 'belongs to no operation; contract-edge.e2e-spec.ts holds the answers',
  internal_error: 'is a bug; edge.spec.ts makes one',
};

/** Refusals that a call documents and no client can cause. */
const OUT_OF_REACH: Readonly<Record<string, string[]>> = {
  'get /': ['503 service_unavailable'], // touches no store: only a stopping process refuses it (health/stop.int-spec.ts)
};

describe.each(OPERATIONS)('%s', (name) => {
  const answers = (): Seen[] => seen.filter(({ operation }) => operation === name);

  it('answers as it is documented, in every way that could be provoked', () => {
    const faults = answers().flatMap(({ answer }) =>
      document
        .faultsOf(name, answer)
        .map((fault) => `${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });

  it('gives every answer that it documents', () => {
    const statuses = new Set(answers().map(({ answer }) => String(answer.status)));
    const refusals = new Set(answers().map(({ answer }) => `${answer.status} ${answer.body['code']}`));
    expect(
      Object.keys(document.operation(name)['responses']).filter(
        (status) =>
          !statuses.has(status) && status !== '500' && !OUT_OF_REACH[name]?.some((one) => one.startsWith(status)),
      ),
    ).toEqual([]);
    expect(
      document
        .refusalsOf(name)
        .filter((refusal) => !refusals.has(refusal))
        .sort(),
    ).toEqual([...(OUT_OF_REACH[name] ?? []), '500 internal_error'].sort());
  });

  it('is described, with examples that fit their schemas', () => {
    const { summary, responses } = document.operation(name);
    expect(summary).toMatch(/^[A-Z].{5,80}[^.]$/);
    for (const response of Object.values<{ description: string }>(responses))
      expect(response.description).toMatch(/.{3,}/);
    expect(document.faultsOfExamples(name)).toEqual([]);
  });
});

describe('the page of the API', () => {
  it.each(['//docs', '//docs/'])('at %s loads everything from here', async (path) => {
    const page = await stack.client().get(path);
    expect([page.status, page.headers.get('content-security-policy')]).toEqual([
      200,
      expect.stringMatching(/^default-src 'none'; .*; script-src 'self'; /),
    ]);
    const links = [...String(page.body['text']).matchAll(/(?:src|href)\s*=\s*["']([^"']+)["']/g)]
      .map(([, link]) => new URL(String(link), `${stack.url(0)}${path.slice(1)}`))
      .filter(({ hash }) => hash === '');
    expect(links.length).toBeGreaterThan(4);
    for (const link of links) {
      expect(link.origin).toBe(stack.url(0));
      const asset = await stack.client().get(`/${link.pathname}`);
      expect([link.pathname, asset.status]).toEqual([link.pathname, 200]);
    }
    const script = await stack.client().get('//docs/swagger-ui-init.js');
    expect(JSON.stringify(script.body)).not.toMatch(/https?:\/\/(?!127\.0\.0\.1)/);
    expect((await stack.client().get('//docs/swagger-ui.css')).body['text']).not.toMatch(/url\((?!["']?data:)|@import/);
  });
});

/** The routes of one controller's source, as the document names them. */
function routesOf(source: string): string[] {
  const base = /^\('([^']*)'\)/.exec(source)?.[1];
  const prefix = base === undefined ? '/' : `/api/v1/${base}`;
  return [...source.matchAll(/^ {2}@(Get|Post|Put|Patch|Delete)\((?:'([^']*)')?\)/gm)].map(
    ([, method = '', path = '']) =>
      `${method.toLowerCase()} ${[prefix, path]
        .filter((part) => part !== '')
        .join('/')
        .replace(/:(\w+)/g, '{$1}')}`,
  );
}
