import { randomUUID } from 'node:crypto';
import { completionKey, completionOutcome, type CompletionAsked, type CompletionOutcome } from '@edgechat/contracts';
import { PutOff } from '@edgechat/platform/queue';
import { Redis } from '@edgechat/platform/redis';
import { DailyUse } from '@edgechat/usage';
import { AnswerFailed } from './ports/language-model.js';
import { ada, anAnswer, Answering, passing } from './test-answering.js';
import { AnswerPlaces } from './use-cases/answer-places.js';
import { CompletePrompt } from './use-cases/complete-prompt.js';

let world: Answering;
beforeAll(async () => {
  world = await Answering.make({
    AI_TOKENS_PER_DAY: '1000000',
    AI_CONCURRENCY_PER_ACCOUNT: '1',
    AI_CONTEXT_MAX_TOKENS: '1000',
  });
});
afterAll(() => world.close());
beforeEach(() => world.script());

/** What was counted until now, all of it written: a read beside a write may count it twice for a moment. */
const tokensToday = async (): Promise<number> => {
  await world.get(DailyUse).flush();
  return (await world.get(DailyUse).getUse(ada)).tokens;
};

const asked = (more: Partial<CompletionAsked> = {}): CompletionAsked => ({
  completionId: randomUUID(),
  accountId: ada,
  prompt: 'prompt',
  deadlineAt: new Date(Date.now() + 60_000).toISOString(),
  ...more,
});
const complete = (completion: CompletionAsked, stop = new AbortController().signal): Promise<void> =>
  world.get(CompletePrompt).run(completion, stop);
async function outcomeOf({ completionId }: CompletionAsked): Promise<CompletionOutcome | null> {
  const redis = world.get(Redis);
  const found = await redis.run('test', (client) => client.get(redis.key(completionKey(completionId))));
  return found === null ? null : completionOutcome.parse(JSON.parse(found));
}
const chargesOf = ({ completionId }: CompletionAsked): Promise<object[]> =>
  world.sql('select kind, tokens_in, tokens_out from edgechat.answer_usage where id = $1', completionId);
/** The job as it comes again. */
const putOff = async (work: Promise<void>): Promise<CompletionAsked> => {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof PutOff)) throw new Error(`expected to be put off, but: ${String(error)}`);
  return error.payload as CompletionAsked;
};

describe('a prompt whose provider', () => {
  it('has no room waits without a place, and is asked again with the calls that are left', async () => {
    const first = asked();
    world.script(passing('ai_overloaded', { calls: 2, failedCalls: [{ call: 1, tokensIn: 7, tokensOut: 0 }] }));
    const again = await putOff(complete(first));
    expect([world.get(AnswerPlaces).isFullFor(ada), await outcomeOf(first)]).toEqual([false, null]);

    await complete(again);

    expect(await outcomeOf(first)).toMatchObject({ status: 'done', text: 'answer' });
    expect(world.requests.map(({ callsMax }) => callsMax)).toEqual([4, 2]);
    expect(await chargesOf(first)).toEqual([{ kind: 'completion', tokens_in: 17, tokens_out: 5 }]);
  });

  it.each<[string, AnswerFailed, Partial<CompletionAsked>, string, number | null]>([
    ['has no quota', passing('ai_quota_exceeded'), {}, 'ai_quota_exceeded', 2],
    ['has no room before the deadline', passing('ai_overloaded', { retryAfterS: 61 }), {}, 'ai_overloaded', 61],
    ['was asked 4 times', passing('ai_overloaded'), { calls: 3 }, 'ai_overloaded', 2],
    ['refuses it', new AnswerFailed('ai_refused'), {}, 'ai_refused', null],
  ])('%s: who asked is told at once, by its own name', async (_, failed, more, failure, retryAfterS) => {
    const completion = asked(more);
    world.script(failed);
    await complete(completion);

    expect(await outcomeOf(completion)).toMatchObject({ status: 'failed', failure, retryAfterS });
  });

  it('was asked 4 times by runs that were stopped is not asked again, and fails for what was said last', async () => {
    const stopping = new AbortController();
    const completion = asked({ calls: 1 });
    const failedCalls = [{ call: 1, tokensIn: 7, tokensOut: 0 }];
    world.script(async () => {
      stopping.abort();
      return new AnswerFailed('ai_overloaded', { calls: 3, failedCalls });
    });
    await complete(await putOff(complete(completion, stopping.signal)));

    expect(world.requests).toHaveLength(1);
    expect(await outcomeOf(completion)).toMatchObject({ status: 'failed', failure: 'ai_overloaded' });
    expect(await chargesOf(completion)).toEqual([{ kind: 'completion', tokens_in: 7, tokens_out: 0 }]);
  });

  it('is cut by the stop of the process in the last call has that call again', async () => {
    const stopping = new AbortController();
    const completion = asked({ calls: 3 });
    world.script(async () => {
      stopping.abort();
      return new AnswerFailed('ai_timed_out', { calls: 1, failedCalls: [{ call: 1, tokensIn: 7, tokensOut: 0 }] });
    });
    await complete(await putOff(complete(completion, stopping.signal)));

    expect(world.requests.map(({ callsMax }) => callsMax)).toEqual([1, 1]);
    expect(await outcomeOf(completion)).toMatchObject({ status: 'done' });
    expect(await chargesOf(completion)).toEqual([{ kind: 'completion', tokens_in: 17, tokens_out: 5 }]);
  });
});

describe('a prompt that was put off', () => {
  const busy = passing('ai_overloaded', { failedCalls: [{ call: 1, tokensIn: 7, tokensOut: 0 }] });

  it('is charged with its end: by then the release before may have written its answer, which is charged only where no row is', async () => {
    const completion = asked();
    const before = await tokensToday();
    world.script(busy, busy);
    const again = await putOff(complete(await putOff(complete(completion))));
    expect(await chargesOf(completion)).toEqual([]);
    expect((await tokensToday()) - before).toBe(14);

    for (let n = 0; n < 2; n += 1) await complete(again);

    expect(await chargesOf(completion)).toEqual([{ kind: 'completion', tokens_in: 24, tokens_out: 5 }]);
    expect((await tokensToday()) - before).toBe(14 + 2 * 15);
  });

  it.each<[string, Partial<CompletionAsked>]>([
    ['whose time is over', { deadlineAt: new Date(0).toISOString() }],
    ['that has no call left', { calls: 4 }],
  ])('%s is charged for what was made for it', async (_, more) => {
    const completion = asked();
    world.script(busy);
    await complete({ ...(await putOff(complete(completion))), ...more });

    expect(world.requests).toHaveLength(1);
    expect(await chargesOf(completion)).toEqual([{ kind: 'completion', tokens_in: 7, tokens_out: 0 }]);
  });
});

describe('a completion', () => {
  it('is charged for one answer, and for what failed in each of its runs, in one row; all of it was used today', async () => {
    const before = await tokensToday();
    const completion = asked();
    const answer = anAnswer({ failedCalls: [{ call: 1, tokensIn: 100, tokensOut: 1 }] });
    world.script(answer, answer);
    await complete(completion);
    await complete(completion);

    expect(await chargesOf(completion)).toEqual([{ kind: 'completion', tokens_in: 210, tokens_out: 7 }]);
    expect((await tokensToday()) - before).toBe(2 * 116);
  });

  it('that failed is charged for what its calls are billed for', async () => {
    const completion = asked();
    world.script(new AnswerFailed('ai_refused', { calls: 1, failedCalls: [{ call: 1, tokensIn: 100, tokensOut: 1 }] }));
    await complete(completion);

    expect(await chargesOf(completion)).toEqual([{ kind: 'completion', tokens_in: 100, tokens_out: 1 }]);
  });

  it('says why the model stopped, and whether it was shown all of the prompt', async () => {
    const [short, long] = [asked(), asked({ prompt: 'words '.repeat(3_000) })];
    world.script(anAnswer({ finishReason: 'length' }), anAnswer(), new AnswerFailed('ai_failed'));
    for (const completion of [short, long]) await complete(completion);
    expect(await outcomeOf(short)).toMatchObject({ finishReason: 'length', isInputCut: false });
    expect(await outcomeOf(long)).toMatchObject({ finishReason: 'stop', isInputCut: true });

    await complete(long);
    expect(await outcomeOf(long)).toMatchObject({ status: 'failed', isInputCut: true });
  });
});
