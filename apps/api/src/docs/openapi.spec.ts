import { aTestApp, type TestApp } from '../http/test-app.js';

describe('the documents the API serves', () => {
  let edge: TestApp;
  beforeAll(async () => {
    edge = await aTestApp({ env: { APP_NAME: 'Mine' } });
  });
  afterAll(() => edge.app.close());

  const document = async () => (await edge.app.inject({ url: '/openapi.json' })).json();

  it('is OpenAPI 3.1, without marks of our own', async () => {
    const openapi = await document();
    expect(openapi).toMatchObject({ openapi: '3.1.0', info: { title: 'Mine' } });
    expect(JSON.stringify(openapi)).not.toMatch(/"x-/);
  });

  it('asks for a token where one is needed', async () => {
    const { paths } = await document();
    expect(paths['/api/v1/echo/me'].get.security).toEqual([{ bearer: [] }]);
    expect(Object.keys(paths['/api/v1/echo/me'].get.responses)).toEqual(
      expect.arrayContaining(['401', '429', '500', '503']),
    );
    expect(paths['/api/v1/echo'].post.security).toBeUndefined();
    expect(Object.keys(paths['/api/v1/echo/alive'].get.responses).sort()).toEqual(['200', '400', '500']);
  });

  it('has an example for each body and each code', async () => {
    const { post } = (await document()).paths['/api/v1/echo'];
    expect(post.requestBody.content['application/json'].example).toEqual({ content: 'hello', title: 'abc' });
    expect(post.responses['201'].content['application/json'].example).toEqual({ content: 'hello' });
    expect(post.responses).not.toHaveProperty('200');
    expect(
      post.responses['404'].content['application/problem+json'].examples.conversation_not_found.value,
    ).toMatchObject({ status: 404, code: 'conversation_not_found', instance: '/api/v1/echo' });
    expect(post.responses['503'].content['application/problem+json'].examples).toMatchObject({
      ai_failed: { value: { user_message: { content: 'hello' } } },
      service_unavailable: {},
    });
    expect(Object.keys(post.responses)).toEqual(expect.arrayContaining(['400', '413', '415', '422', '431']));
  });

  it('describes fields, 204 and the query as they are', async () => {
    const { paths, components } = await document();
    expect(components.schemas.EchoBody).toMatchObject({
      required: ['content'],
      properties: { content: { type: 'string', minLength: 1, maxLength: 10 } },
    });
    expect(paths['/api/v1/echo/{id}'].delete.responses['204']).not.toHaveProperty('content');
    expect(paths['/api/v1/echo'].get.parameters.find((one: { name: string }) => one.name === 'limit')).toMatchObject({
      in: 'query',
      required: false,
      schema: { type: 'integer' },
    });
  });

  it('serves Swagger UI from here alone', async () => {
    for (const url of [
      '/docs',
      '/docs/',
      '/docs/swagger-ui.css',
      '/docs/swagger-ui-bundle.js',
      '/docs/swagger-ui-init.js',
    ]) {
      const answer = await edge.app.inject({ url });
      expect([url, answer.statusCode]).toEqual([url, 200]);
      expect(answer.headers['content-security-policy']).toContain("script-src 'self'");
      expect(answer.headers['x-request-id']).toBeDefined();
    }
    const { body: html, headers } = await edge.app.inject({ url: '/docs' });
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(html).not.toMatch(/(?:src|href)="https?:/);
    expect(html).not.toMatch(/<script>/);
    expect((await edge.app.inject({ url: '/docs/nothing.js' })).json().code).toBe('route_not_found');
  });

  it('serves the page about errors', async () => {
    const answer = await edge.app.inject({ url: '/errors' });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain('id="validation_failed"');
  });
});
