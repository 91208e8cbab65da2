import { newReplyId, type ConversationId, type Refusal } from '@edgechat/kernel';
import { storeCallsOf } from '@edgechat/testing';
import type { ConversationKind } from './domain/conversation.js';
import { Limited, outcomeOf } from './test-limited.js';

let people: Limited;
beforeAll(async () => {
  people = await Limited.make();
});
afterAll(() => people.close());

const replyOf = (id: ConversationId): Promise<object[]> =>
  people.run('select status, failure_code, retry_after_s, epoch from edgechat.replies where conversation_id = $1', id);

describe('the tokens of a day, used up', () => {
  it('refuse a question whose sender would wait for the answer, and keep nothing of it', async () => {
    const account = await people.account();
    const id = await people.conversation(account, 'always');
    await people.use(account, 0, 100);
    expect(await outcomeOf(people.send(id, account, 'question', 'key'))).toBe('budget_exhausted');
    expect(await people.kept(id)).toEqual([[], [], []]);
    await people.use(account, 0, 99);
    expect(await people.send(id, account, 'question', 'key')).toMatchObject({ seq: 1, reply: { status: 'queued' } });
  });

  it.each<[string, ConversationKind, 'always' | 'mention']>([
    ['a group where each message is answered', 'group', 'always'],
    ['a group where it is mentioned', 'group', 'mention'],
    ['a conversation of one person where it is mentioned', 'assistant', 'mention'],
  ])('keep the message and fail its reply where nobody waits: %s', async (_, kind, mode) => {
    const account = await people.account();
    const id = await people.conversation(account, mode, kind);
    await people.use(account, 0, 100);

    const calls = await storeCallsOf(async () =>
      expect(await people.send(id, account, '@assistant well?')).toMatchObject({ seq: 1, reply: { status: 'failed' } }),
    );

    // Only news for the index, and for inboxes, is in a queue: nobody is asked for an answer.
    expect(calls.filter((call) => call === 'redis bell')).toHaveLength(1);
    expect(await replyOf(id)).toEqual([
      { status: 'failed', failure_code: 'budget_exhausted', retry_after_s: expect.any(Number), epoch: 1 },
    ]);
  });

  it('touch no message that asks nothing', async () => {
    const account = await people.account();
    const [off, group] = [await people.conversation(account), await people.conversation(account, 'mention', 'group')];
    await people.use(account, 0, 100);
    for (const id of [off, group])
      expect(await people.send(id, account, 'hello')).toMatchObject({ seq: 1, reply: null });
  });

  it('refuse no repeat: one that is done is replayed, one that failed is failed for this, and asked anew once there are tokens', async () => {
    const account = await people.account();
    const id = await people.conversation(account, 'always');
    await people.send(id, account, 'question', 'key');
    await people.use(account, 0, 100);
    expect(await people.send(id, account, 'question', 'key')).toMatchObject({
      isReplay: true,
      reply: { status: 'queued' },
    });

    await people.run(
      `update edgechat.replies set status = 'failed', failure_code = 'ai_failed' where conversation_id = $1`,
      id,
    );
    expect(await people.send(id, account, 'question', 'key')).toMatchObject({
      isReplay: true,
      reply: { status: 'failed' },
    });
    expect(await replyOf(id)).toMatchObject([{ status: 'failed', failure_code: 'budget_exhausted' }]);

    await people.use(account, 0, 99);
    expect(await people.send(id, account, 'question', 'key')).toMatchObject({
      isReplay: true,
      reply: { status: 'queued' },
    });
    expect(await replyOf(id)).toMatchObject([{ status: 'queued', failure_code: null, retry_after_s: null }]);
    await people.use(account, 0, 100);
    await people.run(`update edgechat.replies set status = 'done', answer_seq = 2 where conversation_id = $1`, id);
    expect(await people.send(id, account, 'question', 'key')).toMatchObject({
      isReplay: true,
      reply: { status: 'done' },
    });
  });

  it('are a tenth in the first hour of an account, of which the refusal says the rest', async () => {
    const [young, old] = [await people.account('50 minutes'), await people.account('2 hours')];
    const outcomes: unknown[] = [];
    for (const account of [young, old]) {
      await people.use(account, 0, 10);
      const id = await people.conversation(account, 'always');
      outcomes.push(await people.send(id, account, 'question').catch((error: unknown) => error));
    }
    expect(outcomes).toMatchObject([{ code: 'budget_exhausted' }, { seq: 1 }]);
    expect((outcomes[0] as Refusal).options.retryAfterS).toBeLessThanOrEqual(600);
  });

  it('come back with the day', async () => {
    const account = await people.account();
    const id = await people.conversation(account, 'always');
    await people.use(account, 0, 100);
    expect(await outcomeOf(people.send(id, account, 'question'))).toBe('budget_exhausted');
    await people.run('update edgechat.daily_use set day = day - 1 where account_id = $1', account);
    expect(await outcomeOf(people.send(id, account, 'question'))).toBe('sent');
  });

  it.each([
    ['0', 'budget_exhausted'],
    ['unlimited', 'sent'],
  ])('of %s: %s', async (most, outcome) => {
    const account = await people.account();
    const id = await people.conversation(account, 'always');
    const process = await people.process({ AI_TOKENS_PER_DAY: most, TEXT_MB_PER_DAY: 'unlimited' });
    if (most === 'unlimited') await people.use(account, 0, 1_000_000);
    expect(await outcomeOf(people.send(id, account, 'question', null, process))).toBe(outcome);
  });

  it('are nothing to the release before, whose question the worker judges in words that it knows', async () => {
    const account = await people.account();
    const id = await people.conversation(account, 'always');
    await people.use(account, 0, 100);
    const [row] = await people.run<{ outcome: string; reply_status: string }>(
      'select outcome, reply_status from edgechat.send_messages($1::json, null)',
      JSON.stringify([
        {
          n: 0,
          conversation_id: id,
          author: account,
          client_key: null,
          content: 'x',
          content_hash: 'x',
          message_id: newReplyId(),
          reply_id: newReplyId(),
          answer_within_ms: 1_000,
          mentions_assistant: false,
        },
      ]),
    );
    expect(row).toEqual({ outcome: 'sent', reply_status: 'queued' });
    expect(await people.run('select knows_budgets from edgechat.replies where conversation_id = $1', id)).toEqual([
      { knows_budgets: false },
    ]);
  });
});
