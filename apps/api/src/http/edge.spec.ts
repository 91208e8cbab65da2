import type { Type } from '@nestjs/common';
import type { LightMyRequestResponse } from 'fastify';
import { aTestApp, type TestApp } from './test-app.js';
import { IsListOfIds, IsOneOf, IsStoredText, IsWholeNumber, RequestPipe } from './validation.js';

class Declared {
  @IsStoredText(1, 10) readonly text!: string;
}

class Listed {
  @IsListOfIds({ min: 1, max: 1_000 }) readonly ids!: readonly number[];
}

class Chosen {
  @IsOneOf(['one', 'other']) readonly which!: string;
  @IsWholeNumber(0) readonly seq!: number;
}

describe('the HTTP edge', () => {
  let edge: TestApp;
  beforeAll(async () => {
    edge = await aTestApp();
  });
  afterAll(() => edge.app.close());

  const json = (body: unknown): { payload: string; headers: Record<string, string> } => ({
    payload: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> => {
    const sent = json(body);
    return edge.app.inject({
      method: 'POST',
      url: '/api/v1/echo',
      payload: sent.payload,
      headers: { ...sent.headers, ...headers },
    });
  };

  /** Holds an answer to the one form that all errors have. */
  const expectProblem = (answer: LightMyRequestResponse, status: number, code: string): void => {
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json()).toMatchObject({
      type: `/errors#${code}`,
      status,
      code,
      title: expect.any(String),
      detail: expect.any(String),
      instance: expect.stringMatching(/^\//),
      request_id: answer.headers['x-request-id'],
    });
  };

  describe('request ids', () => {
    it('echoes an acceptable one, on errors too', async () => {
      const answer = await edge.app.inject({ url: '/api/v1/echo', headers: { 'x-request-id': 'a b~!' } });
      expect(answer.headers['x-request-id']).toBe('a b~!');
      const missing = await edge.app.inject({ url: '/nowhere', headers: { 'x-request-id': 'mine' } });
      expect(missing.headers['x-request-id']).toBe('mine');
      expect(missing.json().request_id).toBe('mine');
    });

    it.each(['x'.repeat(129), 'ü', 'tab\there'])('makes its own instead of %s', async (id) => {
      const answer = await edge.app.inject({ url: '/api/v1/echo', headers: { 'x-request-id': id } });
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    });
  });

  describe('what it refuses', () => {
    it('answers an unknown route with 404, and a known path with another method with 405 and Allow', async () => {
      expectProblem(await edge.app.inject({ url: '/api/v1/nowhere' }), 404, 'route_not_found');
      const wrong = await edge.app.inject({ method: 'PUT', url: '/api/v1/echo?x=1' });
      expectProblem(wrong, 405, 'method_not_allowed');
      expect(wrong.headers.allow).toBe('GET, HEAD, OPTIONS, POST');
      expectProblem(await edge.app.inject({ method: 'PATCH', url: '/api/v1/echo/17' }), 405, 'method_not_allowed');
      expectProblem(await edge.app.inject({ method: 'TRACE', url: '/api/v1/echo' }), 405, 'method_not_allowed');
    });

    it('answers a broken URL with 400 and a very long id like any other', async () => {
      expectProblem(await edge.app.inject({ url: '/api/v1/echo/throws/%zz' }), 400, 'malformed_request');
      expectProblem(await edge.app.inject({ url: '/%' }), 400, 'malformed_request');
      expect(
        (
          await edge.app.inject({
            method: 'DELETE',
            url: `/api/v1/echo/${'x'.repeat(5_000)}`,
            headers: { authorization: 'Bearer good-1' },
          })
        ).statusCode,
      ).toBe(204);
    });

    it('answers malformed, deep and broken bodies with 400', async () => {
      expectProblem(await post('{"content":'), 400, 'malformed_request');
      expectProblem(await post('['.repeat(10_000)), 400, 'malformed_request');
      const broken = await edge.app.inject({
        method: 'POST',
        url: '/api/v1/echo',
        payload: Buffer.from([0x22, 0xff, 0x22]),
        headers: { 'content-type': 'application/json' },
      });
      expectProblem(broken, 400, 'malformed_request');
    });

    it('answers a body over 32 KiB with 413, and over what a route says of itself', async () => {
      const answer = await post(JSON.stringify({ content: 'x'.repeat(32_768) }));
      expectProblem(answer, 413, 'body_too_large');
      expect(answer.json().detail).toContain('32 KiB');
      for (const [bytes, status] of [
        [524_288, 422],
        [524_289, 413],
      ] as const) {
        const { statusCode } = await edge.app.inject({
          method: 'POST',
          url: '/api/v1/echo/long',
          payload: JSON.stringify({ content: 'x'.repeat(bytes - '{"content":""}'.length) }),
          headers: { 'content-type': 'application/json' },
        });
        expect(statusCode).toBe(status);
      }
    });

    it.each([
      [{ 'content-type': 'text/plain' }],
      [{ 'content-type': 'application/x-www-form-urlencoded' }],
      [{ 'content-type': 'application/jsonp' }],
      [{ 'content-type': 'application/json; charset=latin1' }],
      [{ 'content-type': 'application/json; charset=utf-8; charset=utf-16' }],
      [{ 'content-type': 'nonsense' }],
      [{ 'content-type': '' }],
      [{ 'content-encoding': 'gzip' }],
      [{ 'content-encoding': 'identity' }],
    ])('answers another kind of body with 415: %o', async (headers) => {
      expectProblem(await post({ content: 'x' }, headers), 415, 'unsupported_media_type');
    });

    it.each(['application/json; charset=utf-8', 'application/json;charset="UTF-8"', 'Application/JSON'])(
      'takes %s',
      async (type) => {
        expect((await post({ content: 'x' }, { 'content-type': type })).statusCode).toBe(201);
      },
    );

    it('answers thrown errors in the same form', async () => {
      const busy = await edge.app.inject({ url: '/api/v1/echo/throws/busy' });
      expectProblem(busy, 503, 'service_unavailable');
      expect(busy.headers['retry-after']).toBe('7');
      expect(busy.json().user_message).toEqual({ content: 'kept' });
      const refused = await edge.app.inject({ url: '/api/v1/echo/throws/refused?secret=1' });
      expectProblem(refused, 404, 'conversation_not_found');
      expect(refused.json().detail).toBe('Conversation not found');
      expect(refused.json().instance).toBe('/api/v1/echo/throws/refused');
    });

    it('answers a bug with 500, logs it once, and tells nothing of it', async () => {
      const answer = await edge.app.inject({ url: '/api/v1/echo/throws/bug' });
      expectProblem(answer, 500, 'internal_error');
      expect(answer.body).not.toContain('secret');
      expect(edge.logged).toHaveLength(1);
    });
  });

  describe('validation', () => {
    it('names each wrong field with a pointer, a code and a sentence', async () => {
      const answer = await post({ title: 'long' });
      expectProblem(answer, 422, 'validation_failed');
      expect(answer.json()).toMatchObject({
        detail: 'content is missing. One other field is wrong too; see errors.',
        errors: [
          { field: '/content', code: 'required', detail: 'content is missing.' },
          { field: '/title', code: 'too_long', detail: 'title must have at most 3 characters.' },
        ],
      });
    });

    it.each([
      [5, 'wrong_type'],
      [null, 'wrong_type'],
      [true, 'wrong_type'],
      [['x'], 'wrong_type'],
      [{ $gt: '' }, 'wrong_type'],
      ['', 'too_short'],
      ['x'.repeat(11), 'too_long'],
      ['a\u0000b', 'not_storable'],
      ['\ud800', 'not_storable'],
      ['\udc00x', 'not_storable'],
    ])('refuses %j as a text', async (content, code) => {
      const answer = await post({ content });
      expectProblem(answer, 422, 'validation_failed');
      expect(answer.json().errors).toEqual([{ field: '/content', code, detail: expect.any(String) }]);
    });

    it('counts code points and keeps a text as it came', async () => {
      const content = ' 😀😀😀\r\ne\u0301 ';
      expect((await post({ content })).json()).toEqual({ content });
    });

    it.each(['null', '[]', '"x"', '5', 'true'])('refuses %s as a body', async (body) => {
      expectProblem(await post(body), 422, 'validation_failed');
    });

    it('takes no body for an empty one', async () => {
      const answer = await edge.app.inject({ method: 'POST', url: '/api/v1/echo' });
      expectProblem(answer, 422, 'validation_failed');
      expect(answer.json().errors[0]).toMatchObject({ field: '/content', code: 'required' });
      expectProblem(
        await edge.app.inject({ method: 'POST', url: '/api/v1/echo', headers: { 'content-type': 'application/json' } }),
        422,
        'validation_failed',
      );
    });

    it('never walks what it does not know: a body full of keys and of nested values changes nothing about a field', async () => {
      const noise = Object.fromEntries(Array.from({ length: 4_000 }, (_, n) => [`unknown ${n}`, [[[{ n }]]]]));
      const copied: string[] = [];
      const known = Object.defineProperty({}, 'inner', { enumerable: true, get: () => copied.push('read') });

      await expect(parsed({ ...noise, text: known }, Declared)).rejects.toMatchObject({ code: 'validation_failed' });
      expect(copied).toEqual([]);
      expect(await parsed({ ...noise, text: 'known' }, Declared)).toEqual({ text: 'known' });
    });

    const parsed = async (body: object, metatype: Type): Promise<unknown> =>
      Promise.resolve(new RequestPipe().transform(body, { type: 'body', metatype, data: undefined }));

    it.each([
      ['what is no list', { ids: {} }, '/ids', 'wrong_type'],
      ['a text', { ids: '1' }, '/ids', 'wrong_type'],
      ['null', { ids: null }, '/ids', 'wrong_type'],
      ['nothing', {}, '/ids', 'required'],
      ['an empty list', { ids: [] }, '/ids', 'too_few'],
      ['1,001 items', { ids: Array(1_001).fill(1) }, '/ids', 'too_many'],
      ['10,000 wrong items', { ids: Array(10_000).fill({}) }, '/ids', 'too_many'],
      ['a text as an item', { ids: [1, 2, 3, '4'] }, '/ids/3', 'not_an_integer'],
      ['an object as an item', { ids: [{ a: 1 }] }, '/ids/0', 'not_an_integer'],
      ['a list as an item', { ids: [1, [2]] }, '/ids/1', 'not_an_integer'],
      ['null as an item', { ids: [null] }, '/ids/0', 'not_an_integer'],
      ['true as an item', { ids: [true] }, '/ids/0', 'not_an_integer'],
      ['a fraction', { ids: [1.5] }, '/ids/0', 'not_an_integer'],
      ['zero', { ids: [0] }, '/ids/0', 'too_small'],
      ['a negative number', { ids: [7, -1e300] }, '/ids/1', 'too_small'],
    ])('refuses %s as a list of ids', async (_, body, field, code) => {
      await expect(parsed(body, Listed)).rejects.toMatchObject({
        code: 'validation_failed',
        options: { errors: [{ field, code, detail: expect.stringMatching(/^ids.* .*\.$/) }] },
      });
    });

    it('names each wrong item of a list', async () => {
      await expect(parsed({ ids: ['1', 2, {}] }, Listed)).rejects.toMatchObject({
        options: { errors: [{ field: '/ids/0' }, { field: '/ids/2' }] },
      });
    });

    it('takes a list of ids as it came, twice the same and beyond what is exact too', async () => {
      for (const ids of [
        [1],
        [7, 7, 1e3],
        [Number.MAX_SAFE_INTEGER, 1e300, Infinity],
        Array.from({ length: 1_000 }, (_, n) => n + 1),
      ])
        await expect(parsed({ ids }, Listed)).resolves.toEqual({ ids });
    });

    it('reads of a list only what it may have, and never into its items', async () => {
      const read: string[] = [];
      const item = Object.defineProperty({}, 'inner', { enumerable: true, get: () => read.push('inner') });
      const ids = Array(10_000).fill(item);
      for (let n = 1_001; n < 10_000; n += 1) Object.defineProperty(ids, n, { get: () => read.push('beyond') });
      await expect(parsed({ ids: [1, item] }, Listed)).rejects.toMatchObject({ code: 'validation_failed' });
      await expect(parsed({ ids }, Listed)).rejects.toMatchObject({ code: 'validation_failed' });
      expect(read).toEqual([]);
    });

    it.each([
      [{ which: 'One', seq: 0 }, 'unknown_value'],
      [{ which: ['one'], seq: 0 }, 'unknown_value'],
      [{ which: 'one', seq: '0' }, 'not_an_integer'],
      [{ which: 'one', seq: 0.5 }, 'not_an_integer'],
      [{ which: 'one', seq: null }, 'not_an_integer'],
      [{ which: 'one', seq: -1 }, 'too_small'],
      [{ which: 'one', seq: -Infinity }, 'too_small'],
      [{ which: 'one' }, 'required'],
    ])('refuses %j: one of a few, and a whole number', async (body, code) => {
      await expect(parsed(body, Chosen)).rejects.toMatchObject({
        code: 'validation_failed',
        options: { errors: [{ code }] },
      });
    });

    it.each([0, 1, Number.MAX_SAFE_INTEGER, 2 ** 64, 1e308, Infinity])('takes %d as a whole number', async (seq) => {
      await expect(parsed({ which: 'one', seq }, Chosen)).resolves.toEqual({ which: 'one', seq });
    });

    it('drops unknown fields, also those named like what every object has', async () => {
      const body =
        '{"content":"x","__proto__":{"a":1},"constructor":{"prototype":{"a":1}},"toString":1,"hasOwnProperty":1,"then":1,"toJSON":1,"valueOf":{}}';
      const answer = await post(body);
      expect(answer.statusCode).toBe(201);
      expect(answer.json()).toEqual({ content: 'x' });
    });

    it.each([
      ['', { limit: 20, skip: 0 }],
      ['?limit=1000&skip=-5', { limit: 100, skip: 0 }],
      ['?limit=0', { limit: 1, skip: 0 }],
      [`?limit=${'9'.repeat(400)}&skip=${'9'.repeat(400)}`, { limit: 100, skip: Number.MAX_SAFE_INTEGER }],
      [`?limit=-${'9'.repeat(400)}`, { limit: 1, skip: 0 }],
      ['?limit=007&after_seq=3', { limit: 7, skip: 0, after_seq: 3 }],
      ['?unknown=1&unknown=2', { limit: 20, skip: 0 }],
    ])('reads whole numbers of the query: %s', async (query, expected) => {
      expect((await edge.app.inject({ url: `/api/v1/echo${query}` })).json()).toEqual(expected);
    });

    it.each([
      'limit=',
      'limit=abc',
      'limit=1.5',
      'limit=1e2',
      'limit=%2B5',
      'limit=+5',
      'limit=0x10',
      'limit=1&limit=2',
      'limit=１',
      'after_seq=-1',
      'skip=NaN',
      'limit=1%00',
    ])('refuses %s', async (query) => {
      expectProblem(
        await edge.app.inject({ url: `/api/v1/echo?${encodeURI(query).replaceAll('%25', '%')}` }),
        422,
        'validation_failed',
      );
    });
  });
});
