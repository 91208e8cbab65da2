import { randomBytes } from 'node:crypto';
import { Module, type DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DatabaseModule, migrate } from '@edgechat/database';
import { Authenticator } from '@edgechat/identity';
import { ConfigModule, loadConfig, type Config } from '@edgechat/platform/config';
import { Log, LoggingModule } from '@edgechat/platform/logging';
import { Postgres } from '@edgechat/platform/postgres';
import { RedisModule } from '@edgechat/platform/redis';
import { ownDatabase } from '@edgechat/testing';
import { RequestMeter } from '@edgechat/usage';
import { Draining } from '../health/draining.js';
import { createApp } from '../http/create-app.js';
import { HttpModule } from '../http/http.module.js';
import { RateLimit } from '../http/rate-limit.js';
import { UsageModule } from '../usage/usage.module.js';
import { AuthModule } from './auth.module.js';

@Module({})
class TestModule {
  static for(config: Config, log: Log): DynamicModule {
    const imports = [
      ConfigModule.for(config),
      LoggingModule.for(log),
      DatabaseModule.for('test'),
      RedisModule,
      HttpModule,
      AuthModule,
      UsageModule,
    ];
    return { module: TestModule, imports };
  }
}

const PASSWORD = 'correct horse battery';

describe('the calls about accounts and usage', () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>;
  let app: NestFastifyApplication;
  beforeAll(async () => {
    database = await ownDatabase();
    const config = loadConfig(
      {
        DATABASE_URL: database.url,
        REDIS_URL: process.env['TEST_REDIS_URL'],
        RATE_LIMIT_REQUESTS: '100000',
        REGISTRATIONS_PER_HOUR: 'unlimited',
        REGISTRATIONS_PER_DAY: 'unlimited',
        TRUSTED_PROXIES: '127.0.0.1',
        LOG_LEVEL: 'error',
      },
      'api',
    );
    const log = new Log('test', 'error');
    await migrate(config, log);
    app = await createApp(TestModule.for(config, log), config, log, (made) => ({
      authenticator: made.get(Authenticator, { strict: false }),
      meter: made.get(RequestMeter, { strict: false }),
      rateLimit: made.get(RateLimit),
      draining: made.get(Draining),
    }));
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    while (!app.get(Postgres, { strict: false }).hasStarted) await new Promise((resolve) => setTimeout(resolve, 10));
  });
  afterAll(async () => {
    await app?.close();
    await database.drop();
  });

  const anEmail = (): string => `Ada.${randomBytes(6).toString('hex')}@Example.com`;
  const call = (method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown, token?: string, from = '192.0.2.1') =>
    app.inject({
      method,
      url: `/api/v1${path}`,
      headers: {
        'x-forwarded-for': from,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
  const register = async (email = anEmail()): Promise<{ access_token: string; refresh_token: string }> =>
    (await call('POST', '/auth/register', { email, password: PASSWORD })).json();

  it('give what the first contract promises, from register to logout', async () => {
    const email = anEmail();
    const registered = await call('POST', '/auth/register', { email, password: PASSWORD });
    expect(registered.statusCode).toBe(201);
    expect(registered.json()).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'bearer',
    });

    const again = await call('POST', '/auth/register', { email: email.toUpperCase(), password: PASSWORD });
    expect(again.statusCode).toBe(400);
    expect(again.json()).toMatchObject({
      detail: 'Email already registered',
      code: 'email_taken',
      request_id: expect.any(String),
    });

    const loggedIn = await call('POST', '/auth/login', { email: email.toLowerCase(), password: PASSWORD });
    expect(loggedIn.statusCode).toBe(200);
    const refreshed = await call('POST', '/auth/refresh', { refresh_token: loggedIn.json().refresh_token });
    expect(refreshed.statusCode).toBe(200);
    expect(refreshed.json()).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'bearer',
    });

    const me = await call('GET', '/auth/me', undefined, refreshed.json().access_token);
    expect(me.statusCode).toBe(200);
    const { id } = me.json();
    expect(me.json()).toEqual({
      id: expect.any(Number),
      sub: String(id),
      email,
      display_name: `User ${id}`,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });

    expect((await call('POST', '/auth/logout', { refresh_token: refreshed.json().refresh_token })).statusCode).toBe(
      204,
    );
    expect((await call('POST', '/auth/logout', { refresh_token: 'unknown' })).statusCode).toBe(204);
    const gone = await call('GET', '/auth/me', undefined, refreshed.json().access_token);
    expect(gone.statusCode).toBe(401);
    expect(gone.headers['www-authenticate']).toBe('Bearer');
    const used = await call('POST', '/auth/refresh', { refresh_token: refreshed.json().refresh_token });
    expect(used.statusCode).toBe(401);
    expect(used.json().detail).toBe('Invalid or expired refresh token');
  });

  it('say the same of a wrong password and of an unknown address', async () => {
    const email = anEmail();
    await register(email);
    const answers = [
      await call('POST', '/auth/login', { email, password: 'wrong' }),
      await call('POST', '/auth/login', { email: anEmail(), password: 'wrong' }),
      await call('POST', '/auth/login', { email, password: '' }, undefined, '192.0.2.2'),
    ];
    for (const answer of answers) {
      expect(answer.statusCode).toBe(401);
      expect(answer.json()).toMatchObject({ detail: 'Invalid email or password', code: 'bad_credentials' });
    }
  });

  it.each([
    ['register', { email: 'ada', password: PASSWORD }, ['/email']],
    ['register', { email: { $gt: '' }, password: PASSWORD }, ['/email']],
    ['register', { email: 'ada@example.com', password: 'short' }, ['/password']],
    ['register', { email: 'ada@example.com', password: 'x'.repeat(1_025) }, ['/password']],
    ['register', { email: 'ada@example.com', password: 12345678 }, ['/password']],
    ['register', { email: 'ada@example.com\0', password: `${PASSWORD}\0` }, ['/email', '/password']],
    ['register', {}, ['/email', '/password']],
    ['login', { email: 'nobody', password: PASSWORD }, ['/email']],
    ['login', { email: 'ada@example.com', password: ['x'] }, ['/password']],
    ['refresh', { refresh_token: 'x'.repeat(4_097) }, ['/refresh_token']],
    ['refresh', { refresh_token: null }, ['/refresh_token']],
    ['logout', {}, ['/refresh_token']],
  ])('refuse what can never be right: %s %j', async (path, body, fields) => {
    const answer = await call('POST', `/auth/${path}`, body);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().errors.map(({ field }: { field: string }) => field)).toEqual(fields);
  });

  it.each(['', 'x', 'x'.repeat(4_096), '\ud83e\udd8a'])(
    'call no text an error but no refresh token: %j',
    async (refresh_token) => {
      const answer = await call('POST', '/auth/refresh', { refresh_token });
      expect(answer.statusCode).toBe(401);
      expect(answer.json().detail).toBe('Invalid or expired refresh token');
    },
  );

  it('set a display name of 1 to 80 characters, kept to the code point', async () => {
    const { access_token } = await register();
    const display_name = ` ${'🦊'.repeat(79)}`;
    const answer = await call('PATCH', '/auth/me', { display_name, email: 'other@example.com' }, access_token);
    expect(answer.statusCode).toBe(200);
    expect((await call('GET', '/auth/me', undefined, access_token)).json()).toEqual(answer.json());
    expect(answer.json()).toMatchObject({ display_name, email: expect.stringMatching(/^Ada/) });
    for (const bad of ['', 'x'.repeat(81), null, 5, 'a\0', '\ud800', undefined])
      expect((await call('PATCH', '/auth/me', { display_name: bad }, access_token)).statusCode).toBe(422);
  });

  it('change a password with 204, and refuse a wrong old one with 403', async () => {
    const email = anEmail();
    const mine = await register(email);
    const other = (await call('POST', '/auth/login', { email, password: PASSWORD })).json();
    expect(
      (
        await call(
          'POST',
          '/auth/password',
          { old_password: PASSWORD, new_password: 'staple correct' },
          mine.access_token,
        )
      ).statusCode,
    ).toBe(204);
    expect((await call('GET', '/auth/me', undefined, mine.access_token)).statusCode).toBe(200);
    expect((await call('GET', '/auth/me', undefined, other.access_token)).statusCode).toBe(401);
    expect((await call('POST', '/auth/login', { email, password: 'staple correct' })).statusCode).toBe(200);

    const wrong = await call(
      'POST',
      '/auth/password',
      { old_password: 'wrong', new_password: 'staple correct' },
      mine.access_token,
    );
    expect([wrong.statusCode, wrong.json().code]).toEqual([403, 'wrong_password']);
  });

  it('stop guesses with 429 and Retry-After, for strangers only', async () => {
    const email = anEmail();
    await register(email);
    expect(
      (await call('POST', '/auth/login', { email, password: 'wrong' }, undefined, '198.51.100.66')).statusCode,
    ).toBe(401);
    const refused = await call('POST', '/auth/login', { email, password: PASSWORD }, undefined, '198.51.100.66');
    expect([refused.statusCode, refused.json().code]).toEqual([429, 'too_many_logins']);
    expect(refused.headers['retry-after']).toBe('1');
    expect((await call('POST', '/auth/login', { email, password: PASSWORD })).statusCode).toBe(200);
  });

  it("count a caller's requests, whatever was answered, at most 1 s late", async () => {
    const { access_token } = await register();
    const codes = [
      (await call('GET', '/usage/me', undefined, access_token)).statusCode,
      (await call('GET', '/nowhere', undefined, access_token)).statusCode,
      (await call('PATCH', '/auth/me', {}, access_token)).statusCode,
    ];
    expect(codes).toEqual([200, 404, 422]);
    await call('GET', '/usage/me', undefined, `${access_token}x`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await call('GET', '/usage/me', undefined, access_token)).json()).toEqual({
      total_requests: 3,
      requests_last_24h: 3,
      requests_last_7d: 3,
    });
  });
});
