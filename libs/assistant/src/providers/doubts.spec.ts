import { faultOfRefusal } from './fault-of.js';
import type { ProviderFault } from './provider-fault.js';

const faultOf = (status: number, body: unknown): ProviderFault =>
  faultOfRefusal({
    status,
    headers: new Headers(),
    bodyText: typeof body === 'string' ? body : JSON.stringify(body),
  });
const says = (message: string, more: object = {}): object => ({ error: { message, ...more } });

describe('a sentence that may be a person’s', () => {
  it.each([
    'invalid api key',
    'Message 3 ("my api key is not valid, unauthorized!") has an empty field',
    'Invalid request: "your credit balance is too low" is no content',
    'cannot parse: my account has been suspended, insufficient funds, bad credentials',
    'Bad text: Your credit balance is too low to access the Anthropic API',
    'the text "you exceeded quota, past due, check your billing" is not taken',
  ])('says nothing about key or credit with 400 and 422: %s', (sentence) => {
    for (const status of [400, 422, 412])
      for (const body of [says(sentence), sentence, { detail: [{ msg: sentence }] }])
        expect(faultOf(status, body)).toMatchObject({ code: 'ai_failed', misconfiguration: null, mayBeHistory: true });
    expect(faultOf(400, says(sentence))).toMatchObject({ isUnexplained: true, mayBeForm: true });
  });

  it('says so where the provider does not read texts', () => {
    for (const status of [401, 403, 429])
      expect(faultOf(status, says('credit balance'))).toMatchObject({ misconfiguration: 'credit' });
    expect(faultOf(403, says('Bad credentials'))).toMatchObject({ misconfiguration: 'key' });
  });

  it('is the provider’s own where it begins with its whole words', () => {
    const credit = says('Your credit balance is too low to access the Anthropic API.', {
      type: 'invalid_request_error',
    });
    expect(faultOf(400, credit)).toMatchObject({ code: 'ai_misconfigured', misconfiguration: 'credit' });
  });

  it('decides nothing by a word for a bad prompt alone', () => {
    const roles = says('messages must alternate', { code: 'invalid_prompt', type: 'invalid_request_error' });
    expect(faultOf(400, roles)).toMatchObject({ code: 'ai_failed', isUnexplained: true });
    const flagged = says('Invalid prompt: your prompt was flagged as violating our usage policy', {
      code: 'invalid_prompt',
    });
    expect(faultOf(400, flagged)).toMatchObject({ code: 'ai_refused' });
  });
});

describe('the form may be the reason', () => {
  it.each<[string, number, unknown]>([
    ['a sentence about a key', 400, says('API key not valid. Please pass a valid API key.')],
    ['a sentence about credit', 400, says('Your credit balance is too low to access the Anthropic API.')],
    ['a sentence about a content', 400, says('Output blocked by content filtering policy')],
    ['a word for a model', 400, says('x', { code: 'model_not_found' })],
    ['nothing', 422, ''],
    ['a page', 400, '<html>400</html>'],
  ])('of a 400 or 422 with %s', (_name, status, body) => {
    expect(faultOf(status, body).mayBeForm).toBe(true);
  });

  it.each<[string, number, unknown]>([
    ['a word for a key', 400, says('x', { status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] })],
    ['a word for the content', 400, says('x', { code: 'content_filter' })],
    ['too much text', 400, says('prompt is too long: 9 > 8')],
    ['a limit of calls', 400, { __type: 'ThrottlingException' }],
    ['another status', 403, ''],
  ])('not of one with %s', (_name, status, body) => {
    expect(faultOf(status, body).mayBeForm).toBe(false);
  });
});

describe('what stands before the question may be the reason', () => {
  it.each<[number, unknown]>([
    [403, '<html><h1>403 Forbidden</h1> Request blocked.</html>'],
    [403, ''],
    [403, says('blocked')],
    [405, ''],
    [406, '<html>Not Acceptable</html>'],
    [412, ''],
    [418, 'teapot'],
    [451, ''],
    [499, ''],
    [400, says('the model “train” does not exist')],
    [500, says('the model “train” does not exist')],
  ])('of %d with %j', (status, body) => {
    expect(faultOf(status, body).mayBeHistory).toBe(true);
  });

  it.each<[number, unknown]>([
    [401, ''],
    [402, ''],
    [404, ''],
    [408, ''],
    [409, ''],
    [413, ''],
    [425, ''],
    [429, ''],
    [498, says('x', { code: 'capacity_exceeded' })],
    [500, ''],
    [502, '<html>'],
    [503, ''],
    [403, says('no access', { status: 'PERMISSION_DENIED' })],
    [403, says('x', { code: 'unsupported_country_region_territory' })],
    [403, says('x', { type: 'permission_error' })],
    [422, says('x', { code: 'model_not_found' })],
  ])('not of %d with %j', (status, body) => {
    expect(faultOf(status, body).mayBeHistory).toBe(false);
  });
});

describe('a word for the log', () => {
  it('is one that is known beforehand: a key of letters is none', () => {
    const key = 'abcdefghijklmnopqrstuvwxyzSECRET';
    for (const body of [says(key, { code: key, type: key }), { code: key }, { detail: key }, [{ reason: key }], key])
      expect(faultOf(401, body)).toMatchObject({ reason: null, message: 'AI provider: refused 401' });
    expect(faultOf(401, says('x', { code: key, type: 'invalid_request_error' })).reason).toBe('invalid_request_error');
    expect(faultOf(400, { code: 'constructor', type: 'toString' }).reason).toBeNull();
  });
});
