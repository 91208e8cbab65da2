import type { INestApplicationContext } from '@nestjs/common';
import { accountId, type AccountId } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { Postgres } from '@edgechat/platform/postgres';
import { eventually } from '@edgechat/testing';
import { ListSecurityEvents } from './events/list-security-events.js';
import { SecurityEventRows, type SecurityEventRow } from './events/security-event-rows.js';
import { ROWS_MAX, SecurityEvents } from './events/security-events.js';
import {
  Authenticator,
  ChangePassword,
  LogIn,
  LogOut,
  RefreshSession,
  RegisterAccount,
  type Caller,
  type Email,
} from './index.js';
import { HashingSlots } from './passwords/hashing-slots.js';
import { PasswordRules } from './passwords/password-rules.js';
import { Accounts } from './persistence/accounts.js';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';
import { SigningKeys } from './tokens/signing-keys.js';
import { LockAccount } from './use-cases/lock-account.js';
import { SetPassword } from './use-cases/set-password.js';

const HOME = '198.51.100.7';
const AWAY = '203.0.113.66';
const PASSWORD = 'a fine old password 7';

let database: TestDatabase;
let one: INestApplicationContext;
beforeAll(async () => {
  database = await aDatabase(process.env);
  one = await aReplica(database.env);
});
afterAll(async () => {
  await one?.close();
  await database?.drop();
});

/** What an event's log line says. */
type Line = readonly [level: string, message: string, fields: Record<string, unknown>];

class NotingLog extends Log {
  readonly noted: Line[] = [];

  constructor() {
    super('test', 'silent');
  }

  override info(message: string, fields?: unknown): void {
    this.noted.push(['info', message, { ...(fields as object) }]);
  }

  override warn(message: string, fields?: unknown): void {
    this.noted.push(['warn', message, { ...(fields as object) }]);
  }
}

/** Events of a process whose timer does not write: the test does. */
function someEvents(at = one) {
  const log = new NotingLog();
  const rows = new SecurityEventRows(at.get(Postgres, { strict: false }));
  return { events: new SecurityEvents(rows, at.get(SigningKeys, { strict: false }), log), log, rows };
}
const isGone = async (table: string, work: () => Promise<void>): Promise<void> => {
  await sqlOf(one)(`alter table edgechat.${table} rename to away`);
  await work().finally(() => sqlOf(one)(`alter table edgechat.away rename to ${table}`));
};
async function listed(email: Email | null, days = 30): Promise<SecurityEventRow[]> {
  const postgres = one.get(Postgres, { strict: false });
  const list = new ListSecurityEvents(new SecurityEventRows(postgres), new Accounts(postgres));
  const rows: SecurityEventRow[] = [];
  for await (const page of list.pages({ email, days })) rows.push(...page);
  return rows;
}
const written = async (email: Email | null): Promise<SecurityEventRow[]> => {
  await one.get(SecurityEvents, { strict: false }).flush();
  await one.get(SecurityEvents, { strict: false }).flush();
  return listed(email);
};
const register = async (
  email = anEmail(),
  at = one,
): Promise<{ email: Email; refreshToken: string; caller: Caller }> => {
  const tokens = await at.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey: HOME });
  return { email, ...tokens, caller: await at.get(Authenticator).authenticate(tokens.accessToken) };
};
const logIn = (email: Email, password = PASSWORD, addressKey = HOME) =>
  one.get(LogIn).execute({ email, password, addressKey });
const ignore = (): undefined => undefined;
const anAccount = (): AccountId => accountId(1 + Math.floor(Math.random() * 2 ** 40));

describe('security events', () => {
  it('are what happens to an account: each kind with account, session and a pseudonym of the address', async () => {
    const { email, caller, refreshToken } = await register();
    await logIn(email);
    await logIn(email);
    await logIn(email, 'wrong', AWAY).catch(ignore);
    await logIn(email, PASSWORD, AWAY).catch(ignore);
    const change = { oldPassword: PASSWORD, newPassword: 'another fine password 8', addressKey: HOME };
    await one.get(ChangePassword).execute(caller, change);
    await one.get(ChangePassword).execute(caller, change).catch(ignore);
    await one.get(ChangePassword).execute(caller, change).catch(ignore);
    const { refreshToken: next } = await one.get(RefreshSession).execute(refreshToken, HOME);
    await one.get(RefreshSession).execute(next, HOME);
    await one.get(RefreshSession).execute(refreshToken, AWAY).catch(ignore);
    const last = await one.get(LogIn).execute({ email, password: change.newPassword, addressKey: AWAY }).catch(ignore);
    expect(last).toBeUndefined();

    const rows = await written(email);
    expect(Object.fromEntries(rows.map(({ kind, count }) => [kind, count]))).toEqual({
      'account.registered': 1,
      'login.succeeded': 2,
      'login.failed': 1,
      'login.limited': 2,
      'password.changed': 1,
      'password.failed': 1,
      'password.limited': 1,
      'session.reused': 1,
    });
    const of = (kind: string): SecurityEventRow | undefined => rows.find((row) => row.kind === kind);
    for (const kind of ['account.registered', 'password.changed', 'session.reused'])
      expect(of(kind)).toMatchObject({ accountId: caller.accountId, sessionId: caller.sessionId });
    expect(of('login.succeeded')?.addressHash).toEqual(of('account.registered')?.addressHash);
    expect(of('session.reused')?.addressHash).toEqual(of('login.failed')?.addressHash);
    expect(of('session.reused')?.addressHash).not.toEqual(of('login.succeeded')?.addressHash);
  });

  it('are the end of a session, once', async () => {
    const { email, caller, refreshToken } = await register();
    for (let n = 0; n < 3; n += 1) await one.get(LogOut).execute(refreshToken, HOME);
    await one.get(LogOut).execute('nothing', HOME);
    expect((await written(email)).find(({ kind }) => kind === 'session.ended')).toMatchObject({
      count: 1,
      sessionId: caller.sessionId,
    });
  });

  it('are what the operator does, too', async () => {
    const { email } = await register();
    const postgres = one.get(Postgres, { strict: false });
    const rows = new SecurityEventRows(postgres);
    const rules = one.get(PasswordRules, { strict: false });
    await new SetPassword(postgres, new HashingSlots(), rules, rows).execute(email, PASSWORD);
    const accounts = new LockAccount(postgres, rows);
    await accounts.lock(email);
    await one.get(LogIn).execute({ email, password: PASSWORD, addressKey: HOME }).catch(ignore);
    await one.get(SecurityEvents, { strict: false }).flush();
    await accounts.unlock(email);
    const kinds = (await listed(email)).map(({ kind }) => kind);
    expect(kinds).toEqual(
      expect.arrayContaining(['password.set', 'account.locked', 'login.locked', 'account.unlocked']),
    );
  });

  it('of names without an account are one row for their address and hour', async () => {
    const { events } = someEvents();
    const addressKey = `address ${anAccount()}`;
    for (let n = 0; n < 20; n += 1) events.record({ kind: 'login.failed', accountId: null, addressKey });
    await events.flush();
    for (let n = 0; n < 20; n += 1) events.record({ kind: 'login.failed', accountId: null, addressKey });
    await events.flush();
    expect((await listed(null)).filter(({ count }) => count === 40)).toMatchObject([
      { kind: 'login.failed', accountId: null, sessionId: null },
    ]);
  });

  it('hold no address and no e-mail address, neither in rows nor in log lines', async () => {
    const { events, log } = someEvents();
    const account = anAccount();
    events.record({ kind: 'session.reused', accountId: account, sessionId: null, addressKey: AWAY });
    events.record({ kind: 'login.failed', accountId: account, addressKey: AWAY });
    events.record({ kind: 'login.failed', accountId: account, addressKey: AWAY });
    await events.flush();

    expect(log.noted).toEqual([
      [
        'warn',
        'security event',
        { event: 'session.reused', accountId: account, address: expect.any(String), count: 1 },
      ],
      ['info', 'security event', { event: 'login.failed', accountId: account, address: expect.any(String), count: 2 }],
    ]);
    const rows = await sqlOf(one)<{ row: string }>('select e::text as row from edgechat.security_events e');
    expect(rows.map(({ row }) => row).join() + JSON.stringify(log.noted)).not.toMatch(/203\.0\.113|198\.51\.100|@/);
  });

  it('neither delay nor fail a login while they cannot be written, and are written afterwards', async () => {
    const { email } = await register();
    const { events, log } = someEvents();
    await isGone('security_events', async () => {
      await logIn(email);
      events.record({ kind: 'login.succeeded', accountId: anAccount() });
      await expect(events.flush()).rejects.toThrow();
      events.record({ kind: 'login.succeeded', accountId: anAccount() });
      await expect(events.flush()).rejects.toThrow();
    });
    const before = (await listed(null)).length;
    await events.flush();
    await events.flush();
    expect((await listed(null)).length - before).toBeGreaterThanOrEqual(2);
    // Each is logged once, however often its row is tried.
    expect(log.noted.filter(([, message]) => message === 'security event')).toHaveLength(2);
    expect((await written(email)).find(({ kind }) => kind === 'login.succeeded')?.count).toBe(1);
  });

  it('are bounded in memory and in the log, and it is told what was dropped', async () => {
    const { events, log } = someEvents();
    for (let n = 0; n < ROWS_MAX + 5; n += 1) events.record({ kind: 'login.succeeded', accountId: anAccount() });
    await events.flush();
    expect(log.noted.filter(([, message]) => message === 'security event')).toHaveLength(50);
    expect(log.noted.slice(-2)).toEqual([
      ['info', 'more security events are in the table alone', { rows: ROWS_MAX - 50 }],
      ['warn', 'security events were dropped: too many between two writes', { dropped: 5 }],
    ]);
  });

  it('of many processes that write the same rows at once add up: none waits for another in a circle', async () => {
    const accounts = Array.from({ length: 50 }, anAccount);
    const writers = Array.from({ length: 4 }, () => someEvents().events);
    for (let round = 0; round < 5; round += 1) {
      writers.forEach((events, n) =>
        (n % 2 === 0 ? accounts : accounts.toReversed()).forEach((account) =>
          events.record({ kind: 'login.failed', accountId: account }),
        ),
      );
      await Promise.all(writers.map((events) => events.flush()));
    }
    const counts = (await listed(null)).filter((row) => row.accountId !== null && accounts.includes(row.accountId));
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(1_000);
  });

  it('are not lost at a normal stop, and written by a timer before it', async () => {
    const replica = await aReplica(database.env);
    await replica.init();
    const { email } = await register(anEmail(), replica);
    await eventually(async () => (await listed(email)).length === 1);
    const events = replica.get(SecurityEvents, { strict: false });
    const account = anAccount();
    events.record({ kind: 'session.reused', accountId: account });
    await replica.close();
    expect((await listed(null)).filter(({ accountId: of }) => of === account)).toHaveLength(1);
  });

  it('are listed newest first in pages, of the last days, and removed after 180', async () => {
    const { rows } = someEvents();
    await sqlOf(one)('delete from edgechat.security_events');
    await sqlOf(one)(
      `insert into edgechat.security_events (kind, hour, subject, account_id, count, first_at, last_at)
       select 'login.failed', at, 'account ' || n, n, 1, at, at from generate_series(1, 1200) n, lateral (select date_trunc('hour', clock_timestamp()) - make_interval(hours => n / 3) as at) t`,
    );
    const all = await listed(null);
    expect(all).toHaveLength(1_200);
    expect(all.map(({ lastAt }) => lastAt.getTime())).toEqual(
      all.map(({ lastAt }) => lastAt.getTime()).toSorted((a, b) => b - a),
    );
    expect(new Set(all.map(({ subject }) => subject)).size).toBe(1_200);
    expect((await listed(null, 1)).length).toBeLessThanOrEqual(24 * 3);

    await sqlOf(one)(`update edgechat.security_events set hour = hour - interval '180 days' where account_id > 200`);
    expect(await rows.removeOld(600)).toBe(600);
    expect([await rows.removeOld(600), await rows.removeOld(600)]).toEqual([400, 0]);
    expect(await listed(null, 180)).toHaveLength(200);
  });
});
