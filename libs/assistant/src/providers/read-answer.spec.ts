import fc from 'fast-check';
import { ProviderFault } from './provider-fault.js';
import { readAnswer } from './read-answer.js';
import type { AnswerFormat, Reading } from './reading.js';
import { anthropic, FORMATS, gemini, GOOD, openai, OTHER_SHAPES, REFUSED, RICH, STREAMS } from './test-answers.js';
import type { Wire } from './test-answers.js';
import { ANTHROPIC_FORMAT } from './wire-anthropic.js';
import { GEMINI_FORMAT } from './wire-gemini.js';
import { OPENAI_FORMAT } from './wire-openai.js';

const read = (format: AnswerFormat, body: unknown): Reading | ProviderFault => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  try {
    return readAnswer(format, { status: 200, headers: new Headers(), text });
  } catch (error) {
    if (error instanceof ProviderFault) return error;
    throw error;
  }
};

type Path = readonly string[];

const pathsOf = (value: unknown): Path[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, inner]) => [[name], ...pathsOf(inner).map((path) => [name, ...path])]);

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], value);

/** The text itself, and what it stands in. */
const isOnTheWayToTheText = (body: unknown, path: Path): boolean =>
  JSON.stringify(valueAt(body, path) ?? '').includes('"yes"');

const replaced = (body: object, path: Path, value: unknown): object => {
  const copy = structuredClone(body);
  Object.assign(valueAt(copy, path.slice(0, -1)) as object, { [path.at(-1) ?? '']: value });
  return copy;
};

describe.each(Object.entries(FORMATS))('an answer of %s', (wire, format) => {
  it('is its text, its end and its cost', () => {
    expect(read(format, GOOD[wire as Wire])).toMatchObject({
      text: 'yes',
      reasoning: '',
      usage: { tokensIn: 7, tokensOut: 3 },
    });
  });

  it('is the same after it was written in the form of the SDK', () => {
    const reading = read(format, GOOD[wire as Wire]) as Reading;
    const again = read(format, format.bodyOf({ ...reading, reasoning: 'hm' }));
    expect(again).toMatchObject({
      text: 'yes',
      reasoning: 'hm',
      usage: { tokensIn: 7, tokensOut: 3 },
      error: undefined,
    });
  });

  it.each(OTHER_SHAPES.filter(([of]) => of === wire))('is kept in another shape: %s %j', (_, body) => {
    expect(read(format, body)).toMatchObject({ text: 'yes' });
    expect(read(format, [body])).toMatchObject({ text: 'yes' });
    expect(read(format, `\r\n  ${JSON.stringify(body, null, 2)}\n`)).toMatchObject({ text: 'yes' });
  });

  it.each(OTHER_SHAPES.filter(([of]) => of !== wire))('is kept in the form of %s: %j', (_, body) => {
    expect(read(format, body)).toMatchObject({ text: 'yes' });
  });

  it.each(STREAMS.filter(([of]) => of === wire))('is kept as a stream of %s', (_, body) => {
    expect(read(format, body)).toMatchObject({ text: 'yes' });
    expect(read(format, body.slice(0, body.length / 2))).toMatchObject({ code: 'ai_failed' });
  });

  it('is kept whatever stands beside its text', () => {
    const good = GOOD[wire as Wire];
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,12}$/), fc.jsonValue()), (more) => {
        const answer = read(format, { ...more, ...good });
        expect(answer).toMatchObject({ text: 'yes' });
        expect(() => JSON.stringify(format.bodyOf(answer as Reading))).not.toThrow();
      }),
      { verbose: true },
    );
  });

  it('is kept whatever any one of its other values is', () => {
    const others = [null, '', 'qq', '7', 0, -1, 1.5, 1e300, true, [], {}, ['qq'], [[]], { qq: 1 }, undefined];
    const rich = RICH[wire as Wire];
    const lost = pathsOf(rich)
      .filter((path) => !isOnTheWayToTheText(rich, path))
      .flatMap((path) => others.map((value) => ({ path, value })))
      .filter(({ path, value }) => {
        const answer = read(format, JSON.stringify(replaced(rich, path, value)));
        return answer instanceof ProviderFault || answer.text !== 'yes';
      });
    expect(lost).toEqual([]);
  });

  it('is never asked for again once it is JSON, whatever became of it', () => {
    const pieces = fc.oneof(fc.jsonValue(), fc.constant(GOOD[wire as Wire]));
    const anyBody = fc.oneof(
      pieces,
      fc.record({ choices: pieces, candidates: pieces, content: pieces, usage: pieces }, { requiredKeys: [] }),
      fc.record({ choices: fc.array(fc.record({ message: pieces, finish_reason: pieces })) }),
      fc.record({ candidates: fc.array(fc.record({ content: fc.record({ parts: pieces }), finishReason: pieces })) }),
      fc.record({ content: fc.array(fc.record({ type: pieces, text: pieces })) }),
    );
    fc.assert(
      fc.property(anyBody, (body) => {
        const answer = read(format, JSON.stringify(body));
        if (answer instanceof ProviderFault) expect(['empty', 'refused']).toContain(answer.kind);
        else expect(answer.text.length).toBeGreaterThan(0);
      }),
      { verbose: true },
    );
  });

  it('is read in bounded time, however many parts it has', () => {
    const many = (piece: string, separator = ','): string =>
      Array.from({ length: 40_000 }, () => piece).join(separator);
    const bodies = ['{}', '{"text":""}'].flatMap((piece) => [
      `{"content":[${many(piece)}]}`,
      `{"choices":[{"message":{"content":[${many(piece)}]}}]}`,
      `[${many(piece)}]`,
      many(`data: ${piece}`, '\n'),
    ]);
    for (const body of bodies) expect(read(format, body)).toBeInstanceOf(ProviderFault);
  });

  it.each(['', '{"choices":[{"mess', '[', 'upstream error', 'data: {"cho'])(
    'that is no JSON may have been cut: %j',
    (text) => {
      expect(read(format, text)).toMatchObject({ kind: 'malformed', code: 'ai_failed', mayRetry: null });
    },
  );

  it('that is a page for people comes from somewhere else', () => {
    const fault = { kind: 'malformed', code: 'ai_misconfigured', misconfiguration: 'url', mayRetry: false, use: null };
    expect(read(format, '<!doctype html><p>LM Studio</p>')).toMatchObject(fault);
  });
});

describe('an answer without a text', () => {
  it.each(REFUSED)('of %s is a refusal for its content: %j', (wire, body) => {
    expect(read(FORMATS[wire], body)).toMatchObject({ code: 'ai_refused' });
  });

  it.each<[Wire, unknown, object]>([
    ['openai', { error: { code: 429, message: 'Rate limit' } }, { code: 'ai_quota_exceeded', status: 429 }],
    ['openai', { error: { code: '503', message: 'down' } }, { code: 'ai_overloaded', status: 503 }],
    [
      'openai',
      { error: 'Unexpected endpoint or method. (POST /chat/completions)' },
      { code: 'ai_misconfigured', misconfiguration: 'url' },
    ],
    [
      'openai',
      { choices: [{ error: { code: 502, message: 'Provider returned error' }, finish_reason: 'error' }] },
      { code: 'ai_failed', status: 502 },
    ],
    [
      'openai',
      { code: 20012, message: 'Model does not exist. Please check it carefully.', data: null },
      { code: 'ai_misconfigured', misconfiguration: 'model' },
    ],
    [
      'openai',
      { base_resp: { status_code: 1008, status_msg: 'insufficient balance' } },
      { code: 'ai_misconfigured', misconfiguration: 'credit' },
    ],
    [
      'openai',
      { success: false, errors: [{ code: 10000, message: 'Authentication error' }], result: null },
      { code: 'ai_failed', status: null },
    ],
    ['openai', { error: { message: 'what' } }, { code: 'ai_failed', status: null }],
    [
      'gemini',
      { error: { code: 400, status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } },
      { code: 'ai_misconfigured', status: 400 },
    ],
    [
      'gemini',
      { error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ retryDelay: '7.5s' }] } },
      { code: 'ai_quota_exceeded', retryAfterMs: 7_500 },
    ],
    [
      'anthropic',
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      { code: 'ai_overloaded', status: 529 },
    ],
    [
      'anthropic',
      { type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 9 > 8' } },
      { code: 'ai_input_too_long', status: 400 },
    ],
  ])('of %s is judged by the error in it: %j', (wire, body, expected) => {
    expect(read(FORMATS[wire], body)).toMatchObject({ kind: 'refused', spent: null, ...expected });
    expect(read(FORMATS[wire], [body])).toMatchObject({ kind: 'refused', ...expected });
  });

  it('says which it is when the model had no room, or the provider none', () => {
    const ended = (finish_reason: string): object => ({ choices: [{ message: { content: '' }, finish_reason }] });
    expect(read(OPENAI_FORMAT, ended('insufficient_system_resource'))).toMatchObject({ code: 'ai_overloaded' });
    expect(read(ANTHROPIC_FORMAT, anthropic([], { stop_reason: 'model_context_window_exceeded' }))).toMatchObject({
      code: 'ai_input_too_long',
    });
    expect(read(OPENAI_FORMAT, ended('length'))).toMatchObject({ kind: 'empty', code: 'ai_failed', reason: 'length' });
  });

  it('is known by its cost, as far as it is reported', () => {
    expect(read(GEMINI_FORMAT, REFUSED[0]?.[1])).toMatchObject({ spent: { reported: { tokensIn: 7 }, countedOut: 0 } });
    expect(read(OPENAI_FORMAT, openai({ content: '', reasoning_content: 'hm, hm' }))).toMatchObject({
      kind: 'empty',
      spent: { reported: { tokensIn: 7, tokensOut: 3 }, countedOut: expect.any(Number) },
    });
    expect(read(OPENAI_FORMAT, { error: { code: 500 }, usage: { prompt_tokens: 7 } })).toMatchObject({
      spent: { reported: { tokensIn: 7 } },
    });
  });

  it.each([
    '',
    ' \n\t',
    '\u200b\u200d\ufeff',
    '\u00ad\u2060',
    '\ufe0f',
    '\u202a\u202c\u2066\u2069',
    '\u3164\uffa0\u115f',
    '\u2800',
    '\u{e0041}\u{e007f}',
    '\0\u0001',
    '\u061c\u180e\u034f',
  ])('is one of which nothing can be seen: %j', (text) => {
    const bodies = {
      gemini: gemini([{ text }]),
      openai: openai({ content: text }),
      anthropic: anthropic([{ type: 'text', text }]),
    };
    for (const wire of ['gemini', 'openai', 'anthropic'] as const)
      expect(read(FORMATS[wire], bodies[wire])).toMatchObject({ kind: 'empty', code: 'ai_failed' });
  });

  it('is not one that has an error beside its text', () => {
    const partly = { choices: [{ message: { content: 'yes' }, finish_reason: 'error', error: { code: 502 } }] };
    expect(read(OPENAI_FORMAT, partly)).toMatchObject({ text: 'yes', finishWord: 'error' });
    expect(read(OPENAI_FORMAT, openai({ content: 'y\u200bes', refusal: 'No.' }))).toMatchObject({
      text: 'y\u200bes',
      finishWord: 'refusal',
    });
  });
});
