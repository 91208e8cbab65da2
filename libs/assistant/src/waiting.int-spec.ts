import { SendMessage } from '@edgechat/conversations';
import { Unavailable, type ConversationId } from '@edgechat/kernel';
import { AnswerFailed, CALLS_MAX } from './ports/language-model.js';
import { Replies } from './persistence/replies.js';
import { storeCallsOf } from '@edgechat/testing';
import { ada, anAnswer, Answering, passing } from './test-answering.js';
import { AnswerPlaces } from './use-cases/answer-places.js';

let world: Answering;
beforeAll(async () => {
  world = await Answering.make();
});
afterAll(() => world.close());
beforeEach(() => world.script());

const placesOf = (): boolean => world.get(AnswerPlaces).isFullFor(ada);

describe('a question that nobody waits with', () => {
  it('waits for a provider whose quota comes back, and is answered then', async () => {
    const id = await world.conversation('group');
    world.script(passing('ai_quota_exceeded'));
    await world.ask(id, 'well?');
    await world.run(id);

    expect(await world.repliesIn(id)).toEqual([
      { status: 'queued', failure: null, failure_code: null, retry_after_s: 2, calls: 1, epoch: 3 },
    ]);
    await world.run(id);
    expect([world.requests.length, await world.isDue(id)]).toEqual([1, false]);

    await world.pass(id, 2);
    expect(await world.isDue(id)).toBe(true);
    await world.run(id);

    expect(await world.repliesIn(id)).toMatchObject([{ status: 'done', failure: null, retry_after_s: null }]);
    expect(world.requests.map(({ callsMax }) => callsMax)).toEqual([CALLS_MAX, CALLS_MAX - 1]);
    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 10, tokens_out: 5 }]);
  });

  it('holds nothing meanwhile: neither a place nor a lease, and other conversations of the account are answered', async () => {
    const [waiting, other] = [await world.conversation('group'), await world.conversation('group')];
    world.script(passing('ai_overloaded'));
    await world.ask(waiting, 'well?');
    await world.run(waiting);
    await world.ask(other, 'and this?');
    await world.run(other);

    expect(await world.repliesIn(other)).toMatchObject([{ status: 'done' }]);
    expect(placesOf()).toBe(false);
    expect(
      await world.sql(
        'select lease_until, not_before > clock_timestamp() as waits from edgechat.replies where conversation_id = $1',
        waiting,
      ),
    ).toEqual([{ lease_until: null, waits: true }]);
    const reply = { accountId: ada, conversationId: other } as Parameters<Replies['listNextOf']>[0];
    expect(await world.get(Replies).listNextOf(reply, 100)).not.toContain(waiting);
  });

  it('costs the store calls of a failed one, and nobody is rung for', async () => {
    const calls = async (outcome: AnswerFailed): Promise<string[]> => {
      const id = await world.conversation('group');
      await world.ask(id, 'well?');
      world.script(outcome);
      // (A text may be in MongoDB already, or still in the outbox.)
      return (await storeCallsOf(() => world.run(id))).filter((call) => !call.startsWith('mongo'));
    };

    const [failed, waits] = [await calls(new AnswerFailed('ai_failed')), await calls(passing('ai_overloaded'))];

    expect(waits).toEqual(failed.map((call) => call.replace('replies.fail', 'replies.put_back')));
  });

  it('is not begun early by a later one, which waits behind it without being rung for, and both are answered in their order', async () => {
    const id = await world.conversation('group');
    world.script(passing('ai_overloaded', { retryAfterS: 30 }));
    await world.ask(id, 'first?');
    await world.run(id);
    await world.ask(id, 'second?');
    await world.pass(id, 10);
    await world.run(id);

    expect([world.requests.length, await world.isDue(id)]).toEqual([1, false]);
    expect(await world.repliesIn(id)).toMatchObject([{ status: 'queued' }, { status: 'queued' }]);

    await world.pass(id, 20);
    expect(await world.isDue(id)).toBe(true);
    await world.run(id);

    expect(await world.repliesIn(id)).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    expect(world.requests.map((request) => world.shown(request).at(-1))).toEqual(['first?', 'first?', 'second?']);
  });

  it.each([
    [1, 4],
    [2, 2],
    [3, 2],
  ])('has at most 4 calls in all its runs: %s in each', async (calls, runs) => {
    const id = await world.conversation('group');
    world.script(...Array.from({ length: 9 }, () => passing('ai_overloaded', { calls })));
    await world.ask(id, 'well?');
    for (let n = 0; n < 6; n += 1) {
      await world.run(id);
      await world.pass(id, 2);
    }

    expect(world.requests).toHaveLength(runs);
    expect(await world.repliesIn(id)).toMatchObject([
      { status: 'failed', failure: 'ai_overloaded', failure_code: 'ai_failed', retry_after_s: 2 },
    ]);
  });

  it('does not wait beyond its deadline: it fails at once, and says when the provider may answer', async () => {
    const id = await world.conversation('group');
    world.script(passing('ai_quota_exceeded', { retryAfterS: 61 }));
    await world.ask(id, 'well?');
    await world.run(id);

    expect(await world.repliesIn(id)).toMatchObject([
      { status: 'failed', failure: 'ai_quota_exceeded', failure_code: 'ai_quota_exceeded', retry_after_s: 61 },
    ]);
  });

  it.each([
    ['ai_overloaded', 'ai_failed'],
    ['ai_quota_exceeded', 'ai_quota_exceeded'],
  ] as const)('whose deadline passes while it waits for %s failed for that', async (code, before) => {
    const id = await world.conversation('group');
    world.script(passing(code, { retryAfterS: 50 }));
    await world.ask(id, 'well?');
    await world.run(id);
    await world.pass(id, 70);

    expect(await world.isDue(id)).toBe(true);
    await world.run(id);

    expect(await world.repliesIn(id)).toMatchObject([
      { status: 'failed', failure: code, failure_code: before, retry_after_s: 50 },
    ]);
    expect(world.requests).toHaveLength(1);
  });

  it('whose deadline passes without a run has timed out, and an older failure is not told', async () => {
    const id = await world.conversation('group');
    world.script(passing('ai_quota_exceeded', { retryAfterS: 600 }));
    await world.ask(id, 'well?', { key: 'k' });
    await world.run(id);
    await world.ask(id, 'well?', { key: 'k' });
    await world.pass(id, 70);
    await world.run(id);

    expect(await world.repliesIn(id)).toMatchObject([
      { status: 'failed', failure: 'ai_timed_out', failure_code: 'ai_failed', retry_after_s: null },
    ]);
  });

  it('is asked anew with all calls by a repeat after it failed, and goes on waiting by one before', async () => {
    const id = await world.conversation('group');
    world.script(passing('ai_overloaded', { calls: 3 }), passing('ai_overloaded'), anAnswer());
    await world.ask(id, 'well?', { key: 'k' });
    await world.run(id);
    await world.ask(id, 'well?', { key: 'k' });
    await world.run(id);
    expect(world.requests).toHaveLength(1);
    await world.pass(id, 2);
    await world.run(id);
    expect(await world.repliesIn(id)).toMatchObject([{ status: 'failed', failure: 'ai_overloaded', calls: 4 }]);

    await world.ask(id, 'well?', { key: 'k' });
    await world.run(id);

    expect(await world.repliesIn(id)).toMatchObject([{ status: 'done', failure: null, calls: 0 }]);
    expect(world.requests.map(({ callsMax }) => callsMax)).toEqual([4, 1, 4]);
  });
});

describe('who waits for an answer', () => {
  it.each(['ai_quota_exceeded', 'ai_overloaded'] as const)(
    'of %s: of a quota is told at once, for room it is waited',
    async (code) => {
      const id = await world.conversation('assistant');
      world.script(passing(code));
      const { seq } = await world.ask(id, 'well?');
      await world.run(id);

      const place = { conversationId: id, questionSeq: seq };
      expect(await world.get(Replies).look(place)).toMatchObject(
        code === 'ai_quota_exceeded' ? { status: 'failed', code, retryAfterS: 2 } : { status: 'queued' },
      );
    },
  );
});

describe('a provider that does not say when it may answer', () => {
  const untold = (more: Parameters<typeof passing>[1] = {}): AnswerFailed =>
    passing('ai_overloaded', { retryAfterS: null, ...more });

  it('is asked again in a while where nobody waits, the next time in a longer one, and no time is told that it did not name', async () => {
    const id = await world.conversation('group');
    world.script(untold(), untold());
    await world.ask(id, 'well?', { withinMs: 120_000 });
    for (const waits of [[10, 5], [20, 10], []]) {
      await world.run(id);
      for (const seconds of waits) {
        expect(await world.repliesIn(id)).toMatchObject([{ status: 'queued', failure: null, retry_after_s: null }]);
        await world.run(id);
        expect(await world.isDue(id)).toBe(false);
        await world.pass(id, seconds);
      }
    }

    expect(world.requests.map(({ callsMax }) => callsMax)).toEqual([4, 3, 2]);
    expect(await world.repliesIn(id)).toMatchObject([{ status: 'done' }]);
  });

  it.each([
    ['who waits for the answer', 'assistant', 60_000, {}],
    ['a question whose time is over before', 'group', 10_000, {}],
    ['a question without a call left', 'group', 60_000, { calls: 4 }],
  ] as const)('fails at once for %s', async (_, kind, withinMs, more) => {
    const id = await world.conversation(kind);
    world.script(untold(more));
    await world.ask(id, 'well?', { withinMs });
    await world.run(id);

    expect(await world.repliesIn(id)).toMatchObject([
      { status: 'failed', failure: 'ai_overloaded', failure_code: 'ai_failed', retry_after_s: null },
    ]);
  });
});

describe('a worker that stops', () => {
  /** The question's run, during which the worker stops. */
  async function stoppedRun(outcome: AnswerFailed): Promise<ConversationId> {
    const id = await world.conversation('group');
    const stopping = new AbortController();
    world.script(async () => {
      stopping.abort();
      return outcome;
    });
    await world.ask(id, 'well?');
    await world.run(id, stopping.signal);
    return id;
  }

  it('gives the reply back with the calls that came to an end, and what all of them are billed for', async () => {
    const failedCalls = [
      { call: 2, tokensIn: 7, tokensOut: 1 },
      { call: 3, tokensIn: 20, tokensOut: 0 },
    ];
    const id = await stoppedRun(new AnswerFailed('ai_timed_out', { calls: 3, failedCalls }));
    expect(await world.repliesIn(id)).toMatchObject([{ status: 'queued', failure: null, calls: 2 }]);
    await world.run(id);

    expect(world.requests[1]?.callsMax).toBe(2);
    expect(await world.repliesIn(id)).toMatchObject([{ status: 'done' }]);
    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 37, tokens_out: 6 }]);
  });

  it('in the last call leaves that one to the next: no answer is lost to a deployment', async () => {
    const id = await stoppedRun(new AnswerFailed('ai_timed_out', { calls: 4 }));
    await world.run(id);

    expect(world.requests.map(({ callsMax }) => callsMax)).toEqual([4, 1]);
    expect(await world.repliesIn(id)).toMatchObject([{ status: 'done' }]);
  });

  it('after the last call leaves nothing to be asked, and what it failed for is told', async () => {
    const id = await stoppedRun(new AnswerFailed('ai_overloaded', { calls: 4, retryAfterS: 9 }));
    await world.run(id);

    expect(world.requests).toHaveLength(1);
    expect(await world.repliesIn(id)).toMatchObject([{ status: 'failed', failure: 'ai_overloaded' }]);
  });

  it('leaves what the provider said last for when the deadline passes', async () => {
    const id = await stoppedRun(new AnswerFailed('ai_misconfigured', { calls: 1 }));
    await world.pass(id, 70);
    await world.run(id);

    expect(await world.repliesIn(id)).toMatchObject([{ status: 'failed', failure: 'ai_misconfigured' }]);
  });

  it('while its answer is being written gives the reply back with all of its calls, billed or not', async () => {
    const id = await world.conversation('group');
    const [stopping, sending] = [new AbortController(), world.get(SendMessage)];
    await world.ask(id, 'well?');
    const send = sending.send.bind(sending);
    sending.send = () => Promise.reject(new Unavailable('postgres'));
    world.script(async () => {
      stopping.abort();
      return anAnswer({ calls: 3 });
    });
    await world.run(id, stopping.signal).finally(() => (sending.send = send));

    expect(await world.repliesIn(id)).toMatchObject([{ status: 'queued', calls: 3 }]);
  });
});
