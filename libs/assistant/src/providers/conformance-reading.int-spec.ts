import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { providerRefusal, startProviderServer } from '@edgechat/testing';
import type { Behaviour, ProviderServer, RefusalName } from '@edgechat/testing';
import { countTokens } from '../domain/count-tokens.js';
import { askOnce } from './ask-once.js';
import type { AskedModel, GoodAnswer } from './ask-once.js';
import { boundedFetch } from './bounded-fetch.js';
import type { ProviderFault } from './provider-fault.js';
import { anthropic, FORMATS, gemini, openai, OTHER_SHAPES, STREAMS } from './test-answers.js';
import type { Wire } from './test-answers.js';

const KEY = 'sk-secret-4711';
const WIRES: readonly Wire[] = ['gemini', 'openai', 'anthropic'];

let server: ProviderServer;
let asked: Record<Wire, AskedModel>;
beforeAll(async () => {
  server = await startProviderServer();
  asked = modelsAt(server.baseUrls);
});
afterAll(() => server.stop());

function modelsAt(baseUrls: Readonly<Record<Wire, string>>): Record<Wire, AskedModel> {
  const settings = (wire: Wire): { apiKey: string; baseURL: string; fetch: typeof fetch } => ({
    apiKey: KEY,
    baseURL: baseUrls[wire],
    fetch: boundedFetch(FORMATS[wire]),
  });
  return {
    gemini: { sdkModel: createGoogleGenerativeAI(settings('gemini'))('m') },
    openai: {
      sdkModel: createOpenAICompatible({ name: 'openai', ...settings('openai') })('m'),
      stripsLoneThought: true,
    },
    anthropic: { sdkModel: createAnthropic(settings('anthropic'))('m'), maxOutputTokens: 100 },
  };
}

type Outcome = GoodAnswer | ProviderFault;

function ask(wire: Wire, content: string, models = asked): Promise<Outcome> {
  const prompt = { system: undefined, messages: [{ role: 'user' as const, content }] };
  return askOnce(models[wire], prompt, AbortSignal.timeout(10_000));
}

/** Asks a provider that behaves so, beside somebody whose question is answered well at the same time. */
async function askOf(wire: Wire, behaviour: Behaviour): Promise<Outcome> {
  const question = `q ${wire} ${Math.random()}`;
  const judge = server.judge((request) => (request.question === question ? behaviour : null));
  const [outcome, bystander] = await Promise.all([ask(wire, question), ask(wire, `${question} of somebody else`)]);
  judge.forget();
  expect(bystander).toMatchObject({ text: `echo: ${question} of somebody else` });
  expect(server.requests(question)).toHaveLength(1);
  return outcome;
}

const goodBody = (wire: Wire, text: string, more: object = {}): object =>
  ({
    gemini: () => gemini([{ text }], more),
    openai: () => openai({ content: text }, more),
    anthropic: () => anthropic([{ type: 'text', text }], more),
  })[wire]();

describe.each(WIRES)('%s', (wire) => {
  it.each<[RefusalName, object]>([
    ['content', { code: 'ai_refused', misconfiguration: null }],
    ['too_long', { code: 'ai_input_too_long', misconfiguration: null, use: null }],
    ['key', { code: 'ai_misconfigured', misconfiguration: 'key', use: null }],
    ['credit', { code: 'ai_misconfigured', misconfiguration: 'credit', use: null }],
    ['model', { code: 'ai_misconfigured', misconfiguration: 'model', use: null }],
    ['region', { code: 'ai_misconfigured', misconfiguration: 'region', use: null }],
    ['overloaded', { code: 'ai_overloaded', misconfiguration: null, use: null }],
    ['quota', { code: 'ai_quota_exceeded', misconfiguration: null, retryAfterMs: 7_500, use: null }],
  ])('has a code of its own for a refusal: %s', async (refusal, expected) => {
    const fault = await askOf(wire, { kind: 'refuse', refusal });
    expect(fault).toMatchObject({ ...expected, isUnexplained: false });
    expect(inspect(fault, { depth: Infinity, showHidden: true })).not.toMatch(
      /sk-\*|sk-secret|credit balance|API key|context length/,
    );
  });

  it('judges an error that comes with status 200 as the same error with its own', async () => {
    for (const refusal of ['key', 'model', 'overloaded', 'quota'] as const) {
      const { body, status } = providerRefusal(wire, refusal);
      const [own, as200] = [
        await askOf(wire, { kind: 'raw', status, body }),
        await askOf(wire, { kind: 'raw', body: { ...body, code: status } }),
      ];
      expect(as200).toMatchObject({ kind: 'refused', code: (own as ProviderFault).code, use: null });
    }
  });

  it.each([
    ['retry-after-ms', '120', 120],
    ['retry-after', '7', 7_000],
    ['retry-after', 'garbage', null],
  ])('heeds %s: %s, with 429, 503 and 529', async (name, value, retryAfterMs) => {
    for (const status of [429, 503, 529]) {
      const headers = { [name]: value, 'x-should-retry': 'false' };
      const fault = await askOf(wire, { kind: 'raw', status, headers, body: {} });
      expect(fault).toMatchObject({ status, retryAfterMs, mayRetry: false });
    }
  });

  it('says of a 400 without a reason that nothing says what it is about', async () => {
    expect(await askOf(wire, { kind: 'raw', status: 400, body: {} })).toMatchObject({
      code: 'ai_failed',
      isUnexplained: true,
    });
  });

  it('reads an error’s words only as far as they can be some', async () => {
    const long = { error: { code: 'invalid_api_key', message: 'x'.repeat(70_000) } };
    expect(await askOf(wire, { kind: 'raw', status: 500, body: long })).toMatchObject({
      code: 'ai_failed',
      status: 500,
    });
    expect(await askOf(wire, { kind: 'raw', status: 500, body: '<html>' })).toMatchObject({ code: 'ai_failed' });
  });

  it('keeps a whole answer in any shape, for one call', async () => {
    for (const [, body] of OTHER_SHAPES.filter(([of]) => of === wire)) {
      const answer = await askOf(wire, { kind: 'raw', body });
      expect(answer).toMatchObject({ text: 'yes', tokensIn: expect.any(Number), tokensOut: expect.any(Number) });
    }
    for (const [, body] of STREAMS.filter(([of]) => of === wire))
      expect(await askOf(wire, { kind: 'raw', body })).toMatchObject({ text: 'yes' });
    expect(await askOf(wire, { kind: 'raw', body: `\ufeff${JSON.stringify(goodBody(wire, 'yes'))}` })).toMatchObject({
      text: 'yes',
    });
  });

  it.each([
    ['<think>hm</think>\n\nyes', 'yes'],
    ['<thinking>\nhm\n</thinking>yes', 'yes'],
    ['◁think▷hm◁/think▷yes', 'yes'],
    ['<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes<|return|>', 'yes'],
    ['yes, `<think>` opens it', 'yes, `<think>` opens it'],
  ])('shows no thought: %s', async (text, shown) => {
    expect(await askOf(wire, { kind: 'answer', text })).toMatchObject({ text: shown, tokensOut: text.length });
  });

  it.each(['<think>hm', '<think>hm</think>\n', '\u200b', '<think>hm</think>\u2060', '\ufeff', '\u3164 \u2800'])(
    'takes for empty what nobody would see: %j',
    async (text) => {
      const fault = await askOf(wire, { kind: 'answer', text });
      expect(fault).toMatchObject({ kind: 'empty', code: 'ai_failed' });
      expect((fault as ProviderFault).use?.tokensIn).toBeGreaterThan(0);
    },
  );

  it('keeps what cannot be seen in an answer that can', async () => {
    expect(await askOf(wire, { kind: 'answer', text: '\u200b👩‍👧 a\u00adb' })).toMatchObject({
      text: '\u200b👩‍👧 a\u00adb',
    });
  });

  it('keeps apart what the format keeps apart, and charges it', async () => {
    const said = await askOf(wire, { kind: 'answer', reasoning: 'hm, hm', text: 'yes', hasUsage: false });
    expect(said).toMatchObject({ text: 'yes', tokensOut: countTokens('hm, hm') + countTokens('yes') });
    const fault = await askOf(wire, { kind: 'answer', reasoning: 'hm, hm', text: '', hasUsage: false });
    expect(fault).toMatchObject({ kind: 'empty', code: 'ai_failed', use: { tokensOut: countTokens('hm, hm') } });
  });

  it.each([
    ['length', 'length'],
    ['content', 'content-filter'],
    ['stop', 'stop'],
  ] as const)('says why an answer ended: %s', async (finish, finishReason) => {
    expect(await askOf(wire, { kind: 'answer', text: 'yes', finish })).toMatchObject({ text: 'yes', finishReason });
  });

  it('takes an answer that was filtered to nothing for a refusal', async () => {
    for (const text of ['', '\u200b', '<think>hm</think>']) {
      const fault = await askOf(wire, { kind: 'answer', text, finish: 'content' });
      expect(fault).toMatchObject({ kind: 'empty', code: 'ai_refused', use: { tokensIn: expect.any(Number) } });
    }
  });

  it('estimates what is reported as 0, and believes the rest', async () => {
    const zeros = {
      gemini: { usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 } },
      openai: { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } },
      anthropic: { usage: { input_tokens: 0, output_tokens: 0 } },
    }[wire];
    const answer = await askOf(wire, { kind: 'raw', body: goodBody(wire, 'yes, yes', zeros) });
    expect(answer).toMatchObject({ tokensOut: countTokens('yes, yes') });
    expect((answer as GoodAnswer).tokensIn).toBeGreaterThan(0);

    const total = wire === 'gemini' ? { usageMetadata: { totalTokenCount: 500 } } : { usage: { total_tokens: '500' } };
    const { tokensIn, tokensOut } = (await askOf(wire, {
      kind: 'raw',
      body: goodBody(wire, 'yes', total),
    })) as GoodAnswer;
    expect([tokensIn + tokensOut, tokensIn > 0 && tokensIn < 50]).toEqual([500, true]);
  });

  it('knows what a call cost that broke after its answer had begun', async () => {
    for (const kind of ['cut', 'malformed', 'huge'] as const) {
      const { use } = (await askOf(wire, { kind })) as ProviderFault;
      expect([use !== null && use.tokensIn > 0, use !== null && use.tokensOut > 0]).toEqual([true, true]);
    }
    for (const kind of ['drop', 'redirect', 'fail'] as const)
      expect(await askOf(wire, { kind })).toMatchObject({ use: null });
  });

  it('charges a refusal that comes as an answer', async () => {
    const { use } = (await askOf(wire, { kind: 'answer', text: '', finish: 'content' })) as ProviderFault;
    expect(use?.tokensIn).toBeGreaterThan(0);
  });

  it('says that its base URL is wrong when a page for people or no TLS answers', async () => {
    expect(
      await askOf(wire, { kind: 'raw', headers: { 'content-type': 'text/html' }, body: '<!doctype html>' }),
    ).toMatchObject({ code: 'ai_misconfigured', misconfiguration: 'url', mayRetry: false });
    const secure = `${server.url.replace('http:', 'https:')}/v1`;
    expect(await ask(wire, 'hello', modelsAt({ gemini: secure, openai: secure, anthropic: secure }))).toMatchObject({
      kind: 'unreachable',
      code: 'ai_misconfigured',
      misconfiguration: 'url',
    });
  });
});

describe('a lone closing mark of thought', () => {
  it('ends thought only where the server is one’s own', async () => {
    const behaviour: Behaviour = { kind: 'answer', text: 'hm\n</think>\n\nyes' };
    expect(await askOf('openai', behaviour)).toMatchObject({ text: 'yes' });
    expect(await askOf('anthropic', behaviour)).toMatchObject({ text: 'hm\n</think>\n\nyes' });
  });
});

describe('an error that never ends', () => {
  it('is read no further than its words could be, and the status counts', async () => {
    const endless = createServer((_request, response) => {
      response.writeHead(429, { 'retry-after': '3' });
      const write = (): void =>
        void (response.writableEnded || response.write('x'.repeat(1_024), () => setImmediate(write)));
      response.on('error', () => response.destroy());
      write();
    });
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}/v1`;
    const fault = await ask('openai', 'hello', modelsAt({ gemini: url, openai: url, anthropic: url }));
    endless.closeAllConnections();
    await new Promise((resolve) => endless.close(resolve));
    expect(fault).toMatchObject({ code: 'ai_quota_exceeded', retryAfterMs: 3_000 });
  });
});
