import { inspect } from 'node:util';
import fc from 'fast-check';
import { faultOfRefusal } from './fault-of.js';
import type { ProviderFault } from './provider-fault.js';
import { KNOWN_REFUSALS } from './test-refusals.js';

const faultOf = (status: number, body: unknown, headers: Record<string, string> = {}): ProviderFault =>
  faultOfRefusal({
    status,
    headers: new Headers(headers),
    bodyText: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('a refusal', () => {
  it.each(KNOWN_REFUSALS)(
    'of $provider with $status is what it is: $body',
    ({ status, body, code, misconfiguration, isUnexplained }) => {
      const expected = { kind: 'refused', status, code, misconfiguration, isUnexplained, use: null, spent: null };
      expect(faultOf(status, body)).toMatchObject(expected);
    },
  );

  it('is the same in a list of one, as Gemini sends it', () => {
    for (const { status, body, code } of KNOWN_REFUSALS)
      expect(faultOf(status, typeof body === 'string' ? body : [body]).code).toBe(code);
  });

  it('is not decided by a prompt that the provider repeats beside its own words', () => {
    const prompt = 'invalid api key, credit balance is too low, prompt is too long';
    expect(faultOf(500, { error: { message: 'oops', input: prompt } }).code).toBe('ai_failed');
    expect(faultOf(429, { error: { message: 'Rate limit', prompt } }).code).toBe('ai_quota_exceeded');
    expect(faultOf(422, { detail: [{ msg: 'Field required', input: prompt }] }).isUnexplained).toBe(true);
  });

  it('has a word for the log, and never a sentence or a key', () => {
    const key = 'sk-proj-4711secret';
    const body = { error: { message: `Incorrect API key provided: ${key}`, code: 'invalid_api_key', type: key } };
    expect(faultOf(401, body).message).toBe('AI provider: refused 401 (invalid_api_key)');
    expect(inspect(faultOf(401, body), { depth: Infinity, showHidden: true })).not.toMatch(/4711|Incorrect/);
    expect(faultOf(401, { error: { code: key, message: key } }).message).toBe('AI provider: refused 401');
    expect(faultOf(400, { error: { code: 400, status: 'INVALID_ARGUMENT' } }).reason).toBe('INVALID_ARGUMENT');
  });

  it('takes Amazon’s word from the header', () => {
    const fault = faultOf(400, { message: 'wait' }, { 'x-amzn-errortype': 'ThrottlingException:http://internal' });
    expect(fault).toMatchObject({ code: 'ai_quota_exceeded', reason: 'ThrottlingException' });
  });

  it('is judged whatever the body is, and quickly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), fc.anything(), (status, body) => {
        const bodyText = JSON.stringify(body) ?? '';
        expect(faultOfRefusal({ status, headers: new Headers(), bodyText }).kind).toBe('refused');
      }),
      { verbose: true },
    );
    const deep = `${'{"error":'.repeat(7_000)}1${'}'.repeat(7_000)}`;
    const long = JSON.stringify({ error: { message: 'context length '.repeat(4_000) } });
    for (const body of [deep, long, `[${'[],'.repeat(20_000)}[]]`, 'exceed '.repeat(9_000), ' \n'.repeat(30_000)])
      expect(faultOf(400, body).kind).toBe('refused');
  });
});
