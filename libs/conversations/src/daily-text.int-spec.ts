import type { Refusal } from '@edgechat/kernel';
import { eventually, storeCallsOf } from '@edgechat/testing';
import { count, Limited, MIB, outcomeOf } from './test-limited.js';

let people: Limited;
beforeAll(async () => {
  people = await Limited.make();
});
afterAll(() => people.close());

describe('the text of a day', () => {
  it('is exact within a process: of 50 sends at once into 50 conversations go as many as fit, whatever is written meanwhile', async () => {
    const account = await people.account();
    const ids = await Promise.all(Array.from({ length: 50 }, () => people.conversation(account)));
    const text = 'x'.repeat(MIB / 20);

    const outcomes = await Promise.all(ids.map((id) => outcomeOf(people.send(id, account, text))));

    expect(count(outcomes)).toEqual({ sent: 20, storage_exhausted: 30 });
    const kept = await people.run<{ bytes: number }>(
      'select sum(bytes)::int as bytes from edgechat.messages where author = $1',
      account,
    );
    expect(kept).toEqual([{ bytes: 20 * text.length }]);
  });

  it('is exact while counts are being written: sends one after the other, for as long as two writes take', async () => {
    const account = await people.account();
    const id = await people.conversation(account);
    const text = 'x'.repeat(MIB / 64);
    const outcomes: string[] = [];
    const writes = (): number => people.dailyUse.writesSoFar ?? 0;
    const before = writes();
    for (let n = 0; n < 64; n += 1) {
      outcomes.push(await outcomeOf(people.send(id, account, text)));
      if (n === 30) await eventually(() => writes() > before);
    }
    expect(count(outcomes)).toEqual({ sent: 64 });
    expect(await outcomeOf(people.send(id, account, 'x'))).toBe('storage_exhausted');
  });

  it('is counted in bytes of UTF-8, and nothing is kept of what is refused: no number, no key, no answer owed', async () => {
    const account = await people.account();
    const id = await people.conversation(account, 'always');
    await people.use(account, MIB - 6, 0);

    expect(await outcomeOf(people.send(id, account, 'क'.repeat(3), 'key'))).toBe('storage_exhausted');
    expect(await people.kept(id)).toEqual([[], [], []]);
    expect(await people.send(id, account, 'क'.repeat(2), 'key')).toMatchObject({ seq: 1, isReplay: false });
    expect(await outcomeOf(people.send(id, account, 'x'))).toBe('storage_exhausted');
  });

  it('says when to come back: at midnight UTC', async () => {
    const account = await people.account();
    const id = await people.conversation(account);
    await people.use(account, MIB, 0);
    const refusal: unknown = await people.send(id, account, 'x').catch((error: unknown) => error);
    const toMidnight = 86_400 - ((Date.now() / 1_000) % 86_400);
    expect(Math.abs(Number((refusal as Refusal).options.retryAfterS) - toMidnight)).toBeLessThan(60);
  });

  it('refuses no repeat, and counts none', async () => {
    const account = await people.account();
    const id = await people.conversation(account);
    const text = 'x'.repeat(600_000);
    const first = await people.send(id, account, text, 'key');

    const repeats = await Promise.all(Array.from({ length: 20 }, () => people.send(id, account, text, 'key')));

    expect(repeats.map(({ id: message, isReplay }) => [message, isReplay])).toEqual(Array(20).fill([first.id, true]));
    expect(people.dailyUse.pendingOf(account).textBytes).toBeLessThanOrEqual(600_000);
    expect(await outcomeOf(people.send(id, account, 'x'.repeat(MIB - 600_000)))).toBe('sent');
    expect(await outcomeOf(people.send(id, account, text, 'key'))).toBe('replayed');
    expect(await outcomeOf(people.send(id, account, 'x'))).toBe('storage_exhausted');
  });

  it('takes one message of a key that comes twice at once, though two would be too many', async () => {
    const account = await people.account();
    const id = await people.conversation(account);
    const text = 'x'.repeat(600_000);
    const outcomes = await Promise.all([1, 2].map(() => outcomeOf(people.send(id, account, text, 'twice'))));
    expect(outcomes.sort()).toEqual(['replayed', 'sent']);
  });

  it('is judged again when the sends before it came to nothing', async () => {
    const account = await people.account();
    const id = await people.conversation(account);
    await people.use(account, MIB - 10, 0);
    const outcomes = await Promise.all([
      outcomeOf(people.send(id, account, 'x'.repeat(500))),
      outcomeOf(people.send(id, account, 'small')),
    ]);
    expect(outcomes).toEqual(['storage_exhausted', 'sent']);
  });

  it('of one account takes nothing from another, in one batch and in one conversation', async () => {
    const [full, other] = [await people.account(), await people.account()];
    const id = await people.conversation(full, 'off', 'group');
    await people.run(
      `insert into edgechat.members (conversation_id, account_id, role) values ($1, $2, 'member')`,
      id,
      other,
    );
    await people.use(full, MIB, 0);

    const outcomes = await Promise.all(
      [full, other, full, other].map((author) => outcomeOf(people.send(id, author, 'hello'))),
    );

    expect(outcomes).toEqual(['storage_exhausted', 'sent', 'storage_exhausted', 'sent']);
    expect(
      await people.run('select seq::int from edgechat.messages where conversation_id = $1 order by seq', id),
    ).toEqual([{ seq: 1 }, { seq: 2 }]);
  });

  it('ends with the day', async () => {
    const account = await people.account();
    const id = await people.conversation(account);
    await people.use(account, MIB, 0);
    expect(await outcomeOf(people.send(id, account, 'x'))).toBe('storage_exhausted');
    await people.run('update edgechat.daily_use set day = day - 1 where account_id = $1', account);
    expect(await outcomeOf(people.send(id, account, 'x'))).toBe('sent');
  });

  it('of two processes is late by one write and no more', async () => {
    const account = await people.account();
    const id = await people.conversation(account);
    const other = await people.process({ TEXT_MB_PER_DAY: '1' });
    const text = 'x'.repeat(700_000);
    expect(await outcomeOf(people.send(id, account, text))).toBe('sent');
    await people.dailyUse.flush();
    expect(await outcomeOf(people.send(id, account, text, null, other))).toBe('storage_exhausted');
  });

  it.each([
    ['0', 'storage_exhausted'],
    ['unlimited', 'sent'],
  ])('of %s MiB: %s', async (most, outcome) => {
    const account = await people.account();
    const id = await people.conversation(account);
    const process = await people.process({ TEXT_MB_PER_DAY: most });
    await people.use(account, 10 * MIB, 0);
    expect(await outcomeOf(people.send(id, account, 'x', null, process))).toBe(outcome);
  });

  it('costs a send no further call of a store, refused or not', async () => {
    const account = await people.account();
    const id = await people.conversation(account);
    expect(await storeCallsOf(() => people.send(id, account, 'x'))).toEqual([
      'postgres conversations.send_messages',
      'mongo messages.put',
      'redis bell',
    ]);
    await people.use(account, MIB, 0);
    await people.dailyUse.flush();
    expect(await storeCallsOf(() => outcomeOf(people.send(id, account, 'x')))).toEqual([
      'postgres conversations.send_messages',
    ]);
  });
});
