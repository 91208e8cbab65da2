import { storeCallsOf } from '@edgechat/testing';
import { AnswerFailed } from './ports/language-model.js';
import { anAnswer, Answering, bob } from './test-answering.js';

let world: Answering;
beforeAll(async () => {
  world = await Answering.make({ AI_CONTEXT_MAX_TOKENS: '1000' });
});
afterAll(() => world.close());
beforeEach(() => world.script());

const refused = new AnswerFailed('ai_refused', { calls: 1 });
const newest = (): string[] => world.shown(world.requests.at(-1));

describe.each(['assistant', 'group'] as const)('later histories (%s)', (kind) => {
  it('do not show what was refused for its content; the question itself is always shown', async () => {
    const id = await world.conversation(kind);
    world.script(refused);
    await world.ask(id, 'poison', { key: 'k' });
    await world.run(id);
    expect(newest()).toEqual(['poison']);

    for (const text of ['one', 'two', 'three', 'four']) {
      await world.ask(id, text);
      await world.run(id);
      expect([text, newest()]).toEqual([text, expect.not.arrayContaining(['poison'])]);
    }
    expect(newest()).toEqual(['one', 'answer', 'two', 'answer', 'three', 'answer', 'four']);
    expect(world.requests).toHaveLength(5);
  });

  it('show neither a question nor its answer that the provider broke off for its content', async () => {
    const id = await world.conversation(kind);
    world.script(
      anAnswer({ text: 'a part of', finishReason: 'content-filter' }),
      anAnswer({ text: 'cut', finishReason: 'length' }),
    );
    for (const text of ['half poison', 'long', 'harmless']) {
      await world.ask(id, text);
      await world.run(id);
    }

    expect(newest()).toEqual(['long', 'cut', 'harmless']);
  });

  it('begin with the newest question that was answered only alone', async () => {
    const id = await world.conversation(kind);
    const alone = anAnswer({ text: 'alone', isHistoryRefused: true });
    world.script(anAnswer(), alone, anAnswer(), alone);
    for (const text of ['one', 'two', 'three', 'four', 'five', 'six']) {
      await world.ask(id, text);
      await world.run(id);
    }

    expect(world.shown(world.requests[2])).toEqual(['two', 'alone', 'three']);
    expect(newest()).toEqual(['four', 'alone', 'five', 'answer', 'six']);
  });

  it('show what failed for anything else', async () => {
    const id = await world.conversation(kind);
    world.script(new AnswerFailed('ai_input_too_long'), new AnswerFailed('ai_failed'));
    for (const text of ['one', 'two', 'three']) {
      await world.ask(id, text);
      await world.run(id);
    }

    expect(newest()).toEqual(['one', 'two', 'three']);
  });
});

describe('a history', () => {
  it('leaves out a refused question that stands far before its answer, which came late', async () => {
    const id = await world.conversation('group', 'mention');
    world.script(anAnswer({ text: 'half', finishReason: 'content-filter' }), anAnswer());
    await world.ask(id, '@assistant poison', { by: bob });
    await Promise.all(Array.from({ length: 120 }, (_, n) => world.ask(id, `talk ${n}`)));
    await world.run(id);
    await world.ask(id, '@assistant well?');
    await world.run(id);

    expect(newest()).toContain('talk 119');
    expect(newest()).not.toContain('half');
    expect(newest()).not.toContain('@assistant poison');
  });

  it('is looked up with one statement more, and with none for a first question', async () => {
    const id = await world.conversation('group');
    const callsFor = async (text: string): Promise<string[]> => {
      await world.ask(id, text);
      return (await storeCallsOf(() => world.run(id))).filter((call) => call === 'postgres replies.list_earlier');
    };

    expect([await callsFor('one'), await callsFor('two')]).toEqual([[], ['postgres replies.list_earlier']]);
  });

  it('is looked up at the cost of what is shown, however many questions a conversation has', async () => {
    const id = await world.conversation('group');
    await world.ask(id, 'one');
    await world.run(id);
    await world.sql(
      `insert into edgechat.replies (conversation_id, question_seq, id, account_id, status, next_at, accepted_at, deadline_at)
       select $1, -n, gen_random_uuid(), 1, 'done', now(), now(), now() from generate_series(1, 5000) n`,
      id,
    );
    await world.sql('analyze edgechat.replies');
    const plan = await world.sql<{ 'QUERY PLAN': string }>(
      `explain select * from edgechat.replies where conversation_id = '${id}' and question_seq >= 1 and question_seq < 3
       union all select * from edgechat.replies where conversation_id = '${id}' and question_seq = any('{}'::bigint[])`,
    );

    const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(lines).not.toContain('Seq Scan');
    expect(lines).toMatch(/Index Cond: .*question_seq >= 1/);
  });
});

describe('a repeat', () => {
  it.each([
    ['ai_refused', 'failed'],
    ['ai_input_too_long', 'failed'],
    ['ai_failed', 'queued'],
    ['ai_misconfigured', 'queued'],
    ['ai_not_configured', 'queued'],
    ['ai_timed_out', 'queued'],
    ['ai_overloaded', 'queued'],
    ['ai_quota_exceeded', 'queued'],
  ] as const)('of a question that failed with %s finds it %s', async (code, status) => {
    const id = await world.conversation('assistant');
    world.script(new AnswerFailed(code, { calls: 2, retryAfterS: 9 }));
    await world.ask(id, 'well?', { key: 'k' });
    await world.run(id);
    const [before] = await world.repliesIn(id);
    expect(before).toMatchObject({ status: 'failed', failure: code, calls: 2 });
    await world.sql(
      `update edgechat.replies set deadline_at = clock_timestamp() - interval '1 hour' where conversation_id = $1`,
      id,
    );

    expect(await world.ask(id, 'well?', { key: 'k' })).toMatchObject({ isReplay: true, reply: { status } });

    const again = { status: 'queued', failure: null, failure_code: null, retry_after_s: null, calls: 0 };
    expect(await world.repliesIn(id)).toMatchObject([status === 'failed' ? (before ?? {}) : again]);
    await world.run(id);
    expect(world.requests).toHaveLength(status === 'failed' ? 1 : 2);
  });

  it('of one that failed in the release before, which names no own code, asks anew', async () => {
    const id = await world.conversation('assistant');
    await world.ask(id, 'well?', { key: 'k' });
    await world.sql(
      `update edgechat.replies set status = 'failed', failure_code = 'ai_failed' where conversation_id = $1`,
      id,
    );

    expect(await world.ask(id, 'well?', { key: 'k' })).toMatchObject({ reply: { status: 'queued' } });
  });
});

describe('that the model was not shown all of a question', () => {
  const isCut = (id: string): Promise<object[]> =>
    world.sql('select status, is_input_cut from edgechat.replies where conversation_id = $1 order by question_seq', id);
  const long = 'words '.repeat(3_000);

  it.each([
    ['answered', anAnswer(), 'done'],
    ['failed', new AnswerFailed('ai_failed'), 'failed'],
    ['waits', new AnswerFailed('ai_overloaded', { isPassing: true, retryAfterS: 2, calls: 1 }), 'queued'],
  ] as const)('is kept with its reply: %s', async (_, outcome, status) => {
    const id = await world.conversation('group');
    world.script(outcome);
    await world.ask(id, long);
    await world.run(id);

    expect(await isCut(id)).toEqual([{ status, is_input_cut: true }]);
  });

  it('is not said of a short one after a long one', async () => {
    const id = await world.conversation('group');
    for (const text of [long, 'short']) await world.ask(id, text);
    await world.run(id);

    expect(await isCut(id)).toEqual([
      { status: 'done', is_input_cut: true },
      { status: 'done', is_input_cut: false },
    ]);
  });
});

describe('an answer that fills a window', () => {
  it('is shown with the end of its question, also where it is all that a page of the history has room for', async () => {
    const id = await world.conversation('assistant');
    // (A page has at most four bytes for each token of the window, and three letters are one.)
    world.script(anAnswer({ text: `${'x'.repeat(3_900)} end` }));
    for (const text of [`begin ${'words '.repeat(2_000)}end of the question`, 'next']) {
      await world.ask(id, text);
      await world.run(id);
    }

    expect(newest()).toEqual([expect.stringMatching(/end of the question$/u), expect.stringMatching(/end$/u), 'next']);
  });
});
