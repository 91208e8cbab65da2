import type { Log } from '@edgechat/platform/logging';
import { AnswerFailed, LanguageModel } from '../ports/language-model.js';
import { ProviderFault } from '../providers/provider-fault.js';
import { FailureLog } from './failure-log.js';

class Asked extends LanguageModel {
  override readonly provider = 'gemini';
  override readonly model = 'm-1';
  override complete(): Promise<never> {
    return Promise.reject(new Error('not asked here'));
  }
}

type Line = [level: string, message: string, fields: Record<string, unknown>];

function aLog(): { failures: FailureLog; lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (message: string, fields: unknown): void =>
      void lines.push([level, message, fields as Record<string, unknown>]);
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log;
  return { failures: new FailureLog(new Asked(), log), lines };
}

const badKey = new AnswerFailed('ai_misconfigured', {
  cause: new ProviderFault('refused', {
    status: 401,
    reason: 'invalid_api_key',
    code: 'ai_misconfigured',
    misconfiguration: 'key',
  }),
});
const down = new AnswerFailed('ai_failed', { cause: new ProviderFault('refused', { status: 500 }) });
const refused = new AnswerFailed('ai_refused', { cause: new ProviderFault('refused', { status: 400 }) });
const MINUTE = 60_000;

describe('a provider that refuses this server', () => {
  it('is one error with what to mend, and then one in five minutes that counts the others', () => {
    const { failures, lines } = aLog();
    for (let ms = 0; ms < 10 * MINUTE; ms += MINUTE / 2) failures.note(badKey, { replyId: 'r-1' }, ms);
    expect(lines.filter(([level]) => level === 'error')).toEqual([
      [
        'error',
        'the AI provider refuses this server',
        {
          code: 'ai_misconfigured',
          provider: 'gemini',
          model: 'm-1',
          fault: 'refused',
          status: 401,
          reason: 'invalid_api_key',
          wrong: 'key',
          variable: 'GEMINI_API_KEY',
          replyId: 'r-1',
        },
      ],
      ['error', 'the AI provider refuses this server', expect.objectContaining({ untold: 9 })],
    ]);
    expect(lines.filter(([level]) => level === 'debug')).toHaveLength(18);
    expect(lines).toHaveLength(20);
  });

  it('is told for each reason apart', () => {
    const { failures, lines } = aLog();
    const noModel = new ProviderFault('refused', { status: 404, reason: 'NOT_FOUND', misconfiguration: 'model' });
    failures.note(badKey, {}, 0);
    failures.note(new AnswerFailed('ai_misconfigured', { cause: noModel }), {}, 1);
    expect(lines.map(([level, , { variable }]) => [level, variable])).toEqual([
      ['error', 'GEMINI_API_KEY'],
      ['error', 'GEMINI_MODEL'],
    ]);
  });

  it('may be its proxy; one that is away is a warning', () => {
    const { failures, lines } = aLog();
    for (const [code, reason] of [
      ['ai_misconfigured', 'HTTPS_PROXY_407'],
      ['ai_failed', 'HTTPS_PROXY_ECONNREFUSED'],
    ] as const)
      failures.note(new AnswerFailed(code, { cause: new ProviderFault('unreachable', { reason }) }), {}, 0);
    expect(lines.map(([level, , { variable, wrong }]) => [level, variable, wrong])).toEqual([
      ['error', 'HTTPS_PROXY', 'proxy'],
      ['warn', 'HTTPS_PROXY', 'proxy'],
    ]);
  });
});

describe('a provider that is down', () => {
  it('has ten lines a minute, however many sends it fails, and the next minute says how many had none', () => {
    const { failures, lines } = aLog();
    for (let i = 0; i < 500; i += 1) failures.note(down, { replyId: `r-${i}` }, i);
    failures.note(down, { completionId: 'c-1' }, MINUTE);
    const warnings = lines.filter(([level]) => level === 'warn');
    expect(warnings).toHaveLength(11);
    expect(warnings.at(-1)?.[2]).toMatchObject({ completionId: 'c-1', untold: 490, status: 500 });
  });

  it('is told to answer again, once, with how many sends it failed', () => {
    const { failures, lines } = aLog();
    failures.answered();
    for (let i = 0; i < 3; i += 1) failures.note(down, {}, i);
    failures.note(refused, {}, 3);
    for (let i = 0; i < 3; i += 1) failures.answered();
    expect(lines.filter(([level]) => level === 'info')).toEqual([
      ['info', 'the assistant answers again', { failed: 3 }],
    ]);
  });

  it('takes no more memory for a thousand reasons', () => {
    const { failures } = aLog();
    for (let i = 0; i < 1_000; i += 1)
      failures.note(
        new AnswerFailed('ai_failed', { cause: new ProviderFault('refused', { reason: `r_${i}` }) }),
        {},
        i,
      );
    expect((Reflect.get(failures, 'told') as Map<string, unknown>).size).toBe(100);
  });
});

describe('a failure', () => {
  it('without a fault of the provider has its code alone: no message of any error', () => {
    const { failures, lines } = aLog();
    failures.note(new AnswerFailed('ai_timed_out', { cause: new Error('a sentence') }), { replyId: 'r' }, 0);
    expect(lines).toEqual([
      ['warn', 'the assistant failed', { code: 'ai_timed_out', provider: 'gemini', model: 'm-1', replyId: 'r' }],
    ]);
  });
});
