import { createServer as createTlsServer, type Server } from 'node:https';
import { request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { startProviderServer, type ProviderServer } from '@edgechat/testing';
import type { LanguageModel } from '../ports/language-model.js';
import { createLanguageModel } from './create-language-model.js';
import { leaveProviders, reachProvidersBy } from './provider-fetch.js';
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from './test-certificate.js';
import { inChild } from './test-in-child.js';
import { basic, close, listen, startProxy, type TestProxy } from './test-proxy.js';
import { deadlineIn } from './test-requests.js';

type Provider = 'gemini' | 'openai' | 'anthropic';
const PROVIDERS: Provider[] = ['gemini', 'openai', 'anthropic'];
const SECRET = 'p@ss-7f3a';
const USER = `ada:${SECRET}`;
const IN_URL = `ada:${encodeURIComponent(SECRET)}@`;

let server: ProviderServer;
const proxies: TestProxy[] = [];
beforeAll(async () => {
  server = await startProviderServer();
});
afterEach(async () => {
  await leaveProviders();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
});
afterAll(() => server.stop());

async function aProxy(...args: Parameters<typeof startProxy>): Promise<TestProxy> {
  const proxy = await startProxy(...args);
  proxies.push(proxy);
  return proxy;
}

const settings = (aiProvider: Provider, urls = server.baseUrls) => ({
  aiProvider,
  geminiApiKey: 'k',
  geminiModel: 'm-1',
  geminiBaseUrl: urls.gemini,
  openaiApiKey: 'k',
  openaiModel: 'm-1',
  openaiBaseUrl: urls.openai,
  anthropicApiKey: 'k',
  anthropicModel: 'm-1',
  anthropicBaseUrl: urls.anthropic,
});

let count = 0;
const question = (): string => `reached ${(count += 1)}?`;

/** The answer, or the reason of the failure; what was thrown shows no password, however closely one looks. */
async function ask(model: LanguageModel, content = question()): Promise<unknown> {
  try {
    return (await model.complete({ messages: [{ role: 'user', content }], ...deadlineIn(10_000) })).text;
  } catch (error) {
    const shown = inspect(error, { depth: 12, showHidden: true });
    for (const word of [SECRET, encodeURIComponent(SECRET), basic(USER).slice(6)]) expect(shown).not.toContain(word);
    return (error as { cause?: { reason?: unknown } }).cause?.reason;
  }
}

describe.each(PROVIDERS)('%s at an http:// URL', (provider) => {
  const base = (): string => server.baseUrls[provider].replace(/\/v1.*$/, '');

  it('is called through HTTP_PROXY, which is told who asks, and the provider is not', async () => {
    const proxy = await aProxy({ user: USER });
    reachProvidersBy({ httpProxy: `http://${IN_URL}127.0.0.1:${proxy.port}`, noProxy: [] });
    const asked = question();
    expect(await ask(createLanguageModel(settings(provider)), asked)).toBe(`echo: ${asked}`);

    expect(proxy.asked).toHaveLength(1);
    expect(proxy.asked[0]?.what).toMatch(`POST ${base()}/v1`);
    expect(proxy.asked[0]?.headers['host']).toBe(base().replace('http://', ''));
    expect(server.requests(asked)[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it('is called without it where NO_PROXY names it, and without HTTPS_PROXY always', async () => {
    const proxy = await aProxy();
    const url = `http://127.0.0.1:${proxy.port}`;
    const asked = question();
    for (const way of [
      { httpProxy: url, noProxy: ['localhost', '127.0.0.1'] },
      { httpsProxy: url, noProxy: [] },
    ]) {
      reachProvidersBy(way);
      expect(await ask(createLanguageModel(settings(provider)), asked)).toBe(`echo: ${asked}`);
    }
    expect(proxy.asked).toEqual([]);
  });

  it('is not reached where the proxy refuses, is away, or fails itself: the reason names the variable', async () => {
    const [known, broken] = [await aProxy({ user: 'other' }), await aProxy({ fails: 502 })];
    const gone = await startProxy();
    await gone.stop();
    const reasons: unknown[] = [];
    for (const { port } of [known, broken, gone]) {
      reachProvidersBy({ httpProxy: `http://${IN_URL}127.0.0.1:${port}`, noProxy: [] });
      reasons.push(await ask(createLanguageModel(settings(provider))));
    }
    // (A 502 of a proxy that forwards cannot be told from the provider's.)
    expect(reasons).toEqual(['HTTP_PROXY_407', null, 'HTTP_PROXY_ECONNREFUSED']);
    expect(known.asked[0]?.headers['proxy-authorization']).toBe(basic(USER));
  });
});

describe('a provider at an https:// URL', () => {
  const sockets = new Set<Socket>();
  let tls: Server;
  let port = 0;
  const seen: { path: string; headers: Record<string, unknown> }[] = [];

  beforeAll(async () => {
    // TLS in front of the provider server.
    tls = createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_CERTIFICATE_KEY }, (incoming, response) => {
      seen.push({ path: incoming.url ?? '', headers: incoming.headers });
      const { method = 'GET', headers } = incoming;
      const onwards = request(`${server.url}${incoming.url ?? ''}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      incoming.pipe(onwards);
    });
    port = await listen(tls, sockets);
  });
  afterAll(() => close(tls, sockets));

  interface Told {
    readonly results: unknown[];
    readonly shown: string;
  }

  /** Asks once for each way, in a process that trusts the certificate: the answers, or the reasons of the failures, and all that was thrown as closely as one can look. */
  async function askBy(ways: { httpsProxy?: string; noProxy: string[]; host: string; provider: Provider }[]) {
    return (await inChild(`
      import { inspect } from 'node:util';
      import { createLanguageModel } from './create-language-model.js';
      import { leaveProviders, reachProvidersBy } from './provider-fetch.js';
      const results = [];
      let shown = '';
      for (const { host, provider, ...way } of ${JSON.stringify(ways)}) {
        reachProvidersBy(way);
        const urls = { gemini: host + '/v1beta', openai: host + '/v1', anthropic: host + '/v1' };
        const model = createLanguageModel({ ...${JSON.stringify(settings('openai'))}, aiProvider: provider,
          geminiBaseUrl: urls.gemini, openaiBaseUrl: urls.openai, anthropicBaseUrl: urls.anthropic });
        const request = { messages: [{ role: 'user', content: 'by tls' }], signal: AbortSignal.timeout(8_000), endsAt: Date.now() + 8_000, callsMax: 4 };
        await model.complete(request).then(
          ({ text }) => results.push(text),
          (error) => { shown += inspect(error, { depth: 12, showHidden: true }); results.push(error.cause?.reason); });
        await leaveProviders();
      }
      console.log(JSON.stringify({ results, shown }));
    `)) as Told;
  }

  it('is told nothing, not even the key, where its certificate is signed by nobody that is trusted', async () => {
    const host = `https://localhost:${port}`;
    const urls = { gemini: `${host}/v1beta`, openai: `${host}/v1`, anthropic: `${host}/v1` };
    for (const provider of PROVIDERS)
      expect(await ask(createLanguageModel(settings(provider, urls)))).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(seen).toEqual([]);
  });

  it('is called through a tunnel of HTTPS_PROXY, by its name, in all three formats, and is told nothing of the proxy', async () => {
    const proxy = await aProxy({ user: USER, to: port });
    const httpsProxy = `http://${IN_URL}127.0.0.1:${proxy.port}`;
    const { results } = await askBy(
      PROVIDERS.map((provider) => ({ httpsProxy, noProxy: [], host: 'https://provider.test', provider })),
    );
    expect(results).toEqual(Array(3).fill('echo: by tls'));
    expect(proxy.asked.map(({ what }) => what)).toEqual(Array(3).fill('CONNECT provider.test:443'));
    expect(seen).toHaveLength(3);
    expect(JSON.stringify(seen)).not.toContain('proxy-authorization');
  }, 30_000);

  it('is called through a proxy that speaks TLS itself, and without one where NO_PROXY names it', async () => {
    const [proxy, other] = [await aProxy({ to: port, isTls: true }), await aProxy({ to: port })];
    const { results } = await askBy([
      {
        httpsProxy: `https://localhost:${proxy.port}`,
        noProxy: ['x'],
        host: 'https://provider.test',
        provider: 'openai',
      },
      {
        httpsProxy: `http://127.0.0.1:${other.port}`,
        noProxy: ['.example', 'localhost'],
        host: `https://localhost:${port}`,
        provider: 'openai',
      },
    ]);
    expect(results).toEqual(['echo: by tls', 'echo: by tls']);
    expect([proxy.asked.map(({ what }) => what), other.asked]).toEqual([['CONNECT provider.test:443'], []]);
  }, 30_000);

  it('is not reached where the proxy refuses, fails, is away or speaks no HTTP; its password stands nowhere', async () => {
    const [known, broken] = [await aProxy({ user: 'other' }), await aProxy({ fails: 503 })];
    const mute = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-none\r\n'));
    const mutes = new Set<Socket>();
    const mutePort = await listen(mute, mutes);
    const gone = await startProxy();
    await gone.stop();
    const urls = [known.port, broken.port, gone.port, mutePort].map((one) => `http://${IN_URL}127.0.0.1:${one}`);
    const { results, shown } = await askBy(
      urls.map((httpsProxy) => ({ httpsProxy, noProxy: [], host: 'https://provider.test', provider: 'openai' })),
    );
    await close(mute, mutes);

    expect(results).toEqual([
      'HTTPS_PROXY_407',
      'HTTPS_PROXY_503',
      'HTTPS_PROXY_ECONNREFUSED',
      expect.stringMatching(/^HTTPS_PROXY_HPE_/),
    ]);
    for (const word of [SECRET, encodeURIComponent(SECRET), basic(USER).slice(6)]) expect(shown).not.toContain(word);
  }, 60_000);
});

describe('a provider that takes its time', () => {
  it('may take more than 300 s for its first byte, and pause for as long in the middle: it is asked once', async () => {
    // Time runs 200 times as fast for whatever sets a timer, so that 300 s are over after 1.5 s; the provider takes 3 s.
    const told = await inChild(`
      import { createServer } from 'node:http';
      const real = globalThis.setTimeout;
      globalThis.setTimeout = Object.assign((work, ms, ...args) => real(work, ms / 200, ...args), real);
      import { createLanguageModel } from './create-language-model.js';

      const answer = JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'm',
        choices: [{ index: 0, message: { role: 'assistant', content: 'late and true' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 1, completion_tokens: 3, total_tokens: 4 } });
      let asked = 0;
      const server = createServer(async (request, response) => {
        asked += 1;
        let body = '';
        for await (const chunk of request) body += chunk;
        response.setHeader('content-type', 'application/json');
        if (body.includes('pause')) response.write(answer.slice(0, 40));
        await new Promise((resolve) => real(resolve, 3_000));
        response.end(body.includes('pause') ? answer.slice(40) : answer);
      });
      server.requestTimeout = 0;
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      const model = createLanguageModel({ ...${JSON.stringify(settings('openai'))}, openaiBaseUrl: 'http://127.0.0.1:' + server.address().port + '/v1' });
      const ask = (content) => model.complete({ messages: [{ role: 'user', content }], signal: AbortSignal.timeout(30_000), endsAt: Date.now() + 30_000, callsMax: 4 })
        .then(({ text }) => text, (error) => String(error.cause?.message));
      const texts = await Promise.all([ask('first byte'), ask('pause')]);
      server.closeAllConnections();
      server.close();
      console.log(JSON.stringify({ texts, asked }));
    `);
    expect(told).toEqual({ texts: ['late and true', 'late and true'], asked: 2 });
  }, 60_000);
});
