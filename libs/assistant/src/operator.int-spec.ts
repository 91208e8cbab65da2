import { inspect } from 'node:util';
import { startProviderServer, type ProviderServer } from '@edgechat/testing';
import type { Log } from '@edgechat/platform/logging';
import { loadConfig } from '@edgechat/platform/config';
import { readable } from '../../../tools/local-stack/log-lines.mjs';
import { AnswerFailed } from './ports/language-model.js';
import { createLanguageModel } from './providers/create-language-model.js';
import { deadlineIn } from './providers/test-requests.js';
import { FailureLog } from './use-cases/failure-log.js';
import { ProviderAtStart, settingsOf } from './use-cases/provider-at-start.js';

const KEY = 'sk-secret-4711';
const SENTENCE = `You sent sk-sec**4711 and "my words".`;

let server: ProviderServer;
beforeAll(async () => {
  server = await startProviderServer();
});
afterAll(() => server.stop());

/** The lines of a log, as the terminal of `npm start` shows them. */
function aTerminal(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (msg: string, fields: object): void =>
      void lines.push(readable('worker', JSON.stringify({ level, time: '2026-11-24T08:00:00Z', ...fields, msg })));
  return {
    log: { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log,
    lines,
  };
}

const WIRES = {
  gemini: {
    status: 400,
    body: {
      error: {
        code: 400,
        message: SENTENCE,
        status: 'INVALID_ARGUMENT',
        details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }],
      },
    },
    shown: ['status=400', 'reason=API_KEY_INVALID', 'GEMINI_API_KEY'],
  },
  openai: {
    status: 401,
    body: { error: { message: SENTENCE, type: 'invalid_request_error', code: 'invalid_api_key' } },
    shown: ['status=401', 'reason=invalid_api_key', 'OPENAI_API_KEY'],
  },
  anthropic: {
    status: 401,
    body: { type: 'error', error: { type: 'authentication_error', message: SENTENCE } },
    shown: ['status=401', 'reason=authentication_error', 'ANTHROPIC_API_KEY'],
  },
};

describe.each(['gemini', 'openai', 'anthropic'] as const)('a key that %s refuses', (provider) => {
  const { status, body, shown } = WIRES[provider];
  const config = (): ReturnType<typeof loadConfig> =>
    loadConfig(
      {
        AI_PROVIDER: provider,
        [`${provider.toUpperCase()}_API_KEY`]: KEY,
        [`${provider.toUpperCase()}_MODEL`]: 'm-1',
        [`${provider.toUpperCase()}_BASE_URL`]: server.baseUrls[provider],
      },
      'worker',
    );

  it('is told in the terminal after the first send: status, word, model, variable, what to do, and no sentence of the provider', async () => {
    const { forget } = server.judge(() => ({ kind: 'raw', status, body }));
    const { log, lines } = aTerminal();
    const model = createLanguageModel(settingsOf(config()));
    const error = await model
      .complete({ messages: [{ role: 'user', content: 'my words' }], ...deadlineIn(5_000) })
      .catch((failed: unknown) => failed);
    forget();
    if (!(error instanceof AnswerFailed)) throw new Error('it did not fail');
    new FailureLog(model, log).note(error, { replyId: 'r-1' });

    expect(lines).toHaveLength(1);
    for (const part of ['error the AI provider refuses this server', 'model=m-1', ...shown])
      expect(lines[0]).toContain(part);
    expect(lines[0]).toContain(
      `\n         The provider does not take the key: set another ${shown[2]}, and start again.`,
    );
    expect(lines.join('') + inspect(error, { depth: 9, showHidden: true })).not.toMatch(/4711|my words/);
  });

  it('is told when the worker starts, which waits for nothing', async () => {
    const { forget } = server.judge(() => ({ kind: 'raw', status, body }));
    const { log, lines } = aTerminal();
    const settings = config();
    const atStart = new ProviderAtStart(createLanguageModel(settingsOf(settings)), settings, log);
    expect(atStart.onApplicationBootstrap()).toBeUndefined();
    expect(lines).toEqual([]);
    await atStart.checked;
    forget();

    expect(lines).toHaveLength(1);
    for (const part of ['error the AI provider refuses this server', 'model=m-1', ...shown])
      expect(lines[0]).toContain(part);
    expect(lines.join('')).not.toMatch(/4711|my words/);
  });

  it('is not told where the key is good: the provider is ready, in one line', async () => {
    const { log, lines } = aTerminal();
    const settings = config();
    const atStart = new ProviderAtStart(createLanguageModel(settingsOf(settings)), settings, log);
    atStart.onApplicationBootstrap();
    await atStart.checked;
    expect(lines).toEqual([
      expect.stringMatching(` worker info  the AI provider is ready provider=${provider} model=m-1$`),
    ]);
  });
});

async function checked(env: Record<string, string>, log: Log): Promise<void> {
  const config = loadConfig(env, 'worker');
  const atStart = new ProviderAtStart(createLanguageModel(settingsOf(config)), config, log);
  atStart.onApplicationBootstrap();
  await atStart.checked;
}

describe('the check at the start', () => {
  it('says nothing when the process stops first, and nothing where nobody is to be asked', async () => {
    const { log, lines } = aTerminal();
    const { forget } = server.judge(() => ({ kind: 'hang' }));
    const openai = loadConfig({ OPENAI_BASE_URL: server.baseUrls.openai }, 'worker');
    const stopped = new ProviderAtStart(createLanguageModel(settingsOf(openai)), openai, log);
    stopped.onApplicationBootstrap();
    stopped.beforeApplicationShutdown();
    await stopped.checked;
    forget();

    const demo = loadConfig({ AI_PROVIDER: 'demo' }, 'worker');
    const nobody = new ProviderAtStart(createLanguageModel(settingsOf(demo)), demo, log);
    nobody.onApplicationBootstrap();
    await nobody.checked;
    await nobody.onApplicationShutdown();
    expect(lines).toEqual([]);
  });

  it.each([
    ['a key that may not list', 403, { error: { message: SENTENCE, code: null } }],
    ['a server without a list', 404, 'not found'],
    ['a server without a list, too', 405, ''],
    ['a page', 200, '<!doctype html>'],
  ])('orders nothing for %s', async (_, status, body) => {
    const { forget } = server.judge(() => ({ kind: 'raw', status, body }));
    const { log, lines } = aTerminal();
    await checked({ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: server.baseUrls.openai, OPENAI_MODEL: 'm-1' }, log);
    forget();
    expect(lines).toEqual([
      expect.stringMatching(/ info {2}the AI provider was reached, .* provider=openai model=m-1 status=\d+$/),
    ]);
  });

  it('says of a model that is in no list where to look if answers fail', async () => {
    const { forget } = server.judge(() => ({ kind: 'raw', status: 200, body: { object: 'list', data: [] } }));
    const { log, lines } = aTerminal();
    await checked({ OPENAI_BASE_URL: server.baseUrls.openai, OPENAI_MODEL: 'm-9' }, log);
    forget();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(' warn  the AI provider does not list this model');
    expect(lines[0]).toMatch(
      /\n *The provider's list does not name the model m-9; if answers fail, .* OPENAI_MODEL\.$/,
    );
    expect(lines[0]).not.toContain('wrong=');
  });

  it('names the address of a server that is not there, and goes on', async () => {
    const { log, lines } = aTerminal();
    const away = loadConfig({ OPENAI_BASE_URL: 'http://127.0.0.1:2/v1', OPENAI_MODEL: 'm' }, 'worker');
    const atStart = new ProviderAtStart(createLanguageModel(settingsOf(away)), away, log);
    atStart.onApplicationBootstrap();
    await atStart.checked;
    expect(lines[0]).toMatch(/ warn {2}the AI provider cannot be reached .*ECONNREFUSED.*variable=OPENAI_BASE_URL/);
    expect(lines[0]).toContain(
      '\n         There is no provider at its base URL, or no way to it: mend OPENAI_BASE_URL,',
    );
  });
});
