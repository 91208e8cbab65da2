import { accountId, newSessionId } from '@edgechat/kernel';
import { AttackRows, ROWS_PER_HOUR } from './attack-rows.js';
import { EventBatch } from './event-batch.js';

const HOUR_MS = 3_600_000;
const AT_MS = Date.UTC(2026, 10, 24, 8, 30);
const ada = accountId(7);

describe('security events between two writes', () => {
  it('are one row for each kind, hour and account, with a count and what is newest of them', () => {
    const batch = new EventBatch(10);
    const session = newSessionId();
    batch.add({ kind: 'login.failed', accountId: ada, addressKey: 'a' }, AT_MS);
    batch.add({ kind: 'login.failed', accountId: ada, addressKey: 'b' }, AT_MS + 5);
    batch.add({ kind: 'login.failed', accountId: ada, addressKey: 'b' }, AT_MS + HOUR_MS);
    batch.add({ kind: 'session.reused', accountId: ada, sessionId: session }, AT_MS);

    const hourMs = Date.UTC(2026, 10, 24, 8);
    expect(batch.rows).toMatchObject([
      {
        kind: 'login.failed',
        accountId: ada,
        addressKey: 'b',
        hourMs,
        count: 2,
        firstAtMs: AT_MS,
        lastAtMs: AT_MS + 5,
      },
      { kind: 'login.failed', hourMs: hourMs + HOUR_MS, count: 1 },
      { kind: 'session.reused', sessionId: session, count: 1 },
    ]);
  });

  it('are gathered by address where no account has the name, and successful logins by both', () => {
    const batch = new EventBatch(10);
    for (const addressKey of ['a', 'a', 'b']) {
      batch.add({ kind: 'login.failed', accountId: null, addressKey }, AT_MS);
      batch.add({ kind: 'login.succeeded', accountId: ada, addressKey }, AT_MS);
    }
    expect(batch.rows.map(({ kind, addressKey, count }) => [kind, addressKey, count])).toEqual([
      ['login.failed', 'a', 2],
      ['login.succeeded', 'a', 2],
      ['login.failed', 'b', 1],
      ['login.succeeded', 'b', 1],
    ]);
  });

  it('are bounded: what finds no room is counted', () => {
    const batch = new EventBatch(2);
    for (let n = 1; n <= 5; n += 1) batch.add({ kind: 'login.succeeded', accountId: accountId(n) }, AT_MS);
    batch.add({ kind: 'login.succeeded', accountId: accountId(1) }, AT_MS);
    expect([batch.rows.length, batch.rows[0]?.count, batch.dropped]).toEqual([2, 2, 3]);
  });
});

describe('the rows of attacks', () => {
  const failure = (n: number) => ({ kind: 'login.failed', accountId: null, addressKey: `address ${n}` }) as const;

  it('of one account that logs in from everywhere are 20 in an hour, and one for what is beyond', () => {
    const rows = new AttackRows();
    const from = (n: number) =>
      rows.bounded({ kind: 'login.succeeded', accountId: ada, addressKey: `address ${n}` }, AT_MS).addressKey;
    for (let n = 0; n < 20; n += 1) expect(from(n)).toBe(`address ${n}`);
    expect([from(20), from(21), from(3)]).toEqual([null, null, 'address 3']);
    expect(rows.bounded({ kind: 'login.succeeded', accountId: accountId(99), addressKey: 'x' }, AT_MS).addressKey).toBe(
      'x',
    );
  });

  it('are so many for each kind in an hour; what is beyond is one row', () => {
    const attacks = new AttackRows();
    for (let n = 0; n < ROWS_PER_HOUR; n += 1) expect(attacks.bounded(failure(n), AT_MS)).toEqual(failure(n));

    expect(attacks.bounded(failure(ROWS_PER_HOUR), AT_MS)).toEqual({ kind: 'login.failed', accountId: null });
    expect(attacks.bounded(failure(0), AT_MS)).toEqual(failure(0));
    const others = { kind: 'login.limited', accountId: ada } as const;
    const reuse = { kind: 'session.reused', accountId: ada } as const;
    expect([attacks.bounded(others, AT_MS), attacks.bounded(reuse, AT_MS)]).toEqual([others, reuse]);
    expect(attacks.bounded(failure(-1), AT_MS + HOUR_MS)).toEqual(failure(-1));
  });

  it('are logged once in a minute, with what came meanwhile; other events each time', () => {
    const attacks = new AttackRows();
    const counted = (count: number) => ({ ...failure(1), hourMs: 0, count, firstAtMs: 0, lastAtMs: 0 });
    expect(attacks.countToLog(counted(3), AT_MS)).toBe(3);
    expect(attacks.countToLog(counted(4), AT_MS + 59_999)).toBe(0);
    expect(attacks.countToLog(counted(5), AT_MS + 60_000)).toBe(9);
    const reuse = { ...counted(1), kind: 'session.reused' } as const;
    expect([attacks.countToLog(reuse, AT_MS), attacks.countToLog(reuse, AT_MS)]).toEqual([1, 1]);
  });
});
