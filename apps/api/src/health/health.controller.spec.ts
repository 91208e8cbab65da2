import { Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigModule, loadConfig } from '@edgechat/platform/config';
import { Health, type Check } from '@edgechat/platform/health';
import { Log } from '@edgechat/platform/logging';
import { createApp } from '../http/create-app.js';
import { Draining } from './draining.js';
import { HealthController, RootController } from './health.controller.js';

describe('health', () => {
  const state = {
    isStarted: true,
    checks: { database: 'connected', mongo: 'connected', redis: 'connected' } as Record<
      'database' | 'mongo' | 'redis',
      Check
    >,
  };
  const health = {
    get isStarted() {
      return state.isStarted;
    },
    checkAll: () => Promise.resolve({ ...state.checks }),
    check: (store: 'database' | 'mongo' | 'redis') => Promise.resolve(state.checks[store]),
  };
  const config = loadConfig({ APP_NAME: 'Mine' }, 'api');
  @Module({
    imports: [ConfigModule.for(config)],
    controllers: [RootController, HealthController],
    providers: [Draining, { provide: Health, useValue: health }],
  })
  class TestModule {}

  let isExceeded = true;
  let app: NestFastifyApplication;
  beforeAll(async () => {
    const count = () => Promise.resolve({ isExceeded, remaining: 0, resetS: 1 });
    app = await createApp(TestModule, config, new Log('test', 'error'), (made) => ({
      authenticator: {
        known: () => null,
        authenticate: () => Promise.reject(new Error()),
        sessionOf: () => Promise.resolve(null),
      },
      meter: { count: () => undefined },
      rateLimit: { policy: '', count, countRefresh: count },
      draining: made.get(Draining),
    }));
    await app.init();
  });
  afterAll(() => app.close());

  const ask = async (path: string) => {
    const answer = await app.inject({ url: `/api/v1/health${path}` });
    return { status: answer.statusCode, body: answer.json() };
  };

  it('is well when all stores answer, and is never refused by the rate limit', async () => {
    expect(await ask('')).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await ask('/started')).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await ask('/ready')).toEqual({
      status: 200,
      body: { status: 'ok', checks: { database: 'connected', mongo: 'connected', redis: 'connected' } },
    });
    expect(await ask('/db')).toEqual({ status: 200, body: { status: 'ok', database: 'connected' } });
    expect(await ask('/mongo')).toEqual({ status: 200, body: { status: 'ok', mongo: 'connected' } });
  });

  it('says which store is down, while the process stays alive and started', async () => {
    state.checks.mongo = 'error';
    expect(await ask('/ready')).toMatchObject({
      status: 503,
      body: {
        status: 'not ready',
        checks: { database: 'connected', mongo: 'error', redis: 'connected' },
        detail: expect.any(String),
        request_id: expect.any(String),
      },
    });
    expect(await ask('/mongo')).toMatchObject({ status: 503, body: { mongo: 'error' } });
    expect((await ask('/db')).status).toBe(200);
    expect((await ask('')).status).toBe(200);
    expect((await ask('/started')).status).toBe(200);
    state.checks.mongo = 'connected';
  });

  it('tells the name of the application at the root, within the rate limit', async () => {
    isExceeded = false;
    expect((await app.inject({ url: '/' })).json()).toEqual({ status: 'ok', app: 'Mine' });
    isExceeded = true;
    expect((await app.inject({ url: '/' })).statusCode).toBe(429);
  });

  it('is not started until the stores were there once, nor while it stops', async () => {
    state.isStarted = false;
    expect(await ask('/started')).toMatchObject({ status: 503, body: { status: 'not ready' } });
    state.isStarted = true;
    app.get(Draining).begin();
    expect((await ask('/started')).status).toBe(503);
    expect((await ask('')).status).toBe(200);
  });
});
