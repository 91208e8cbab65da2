import { SendMessage } from '@edgechat/conversations';
import { Unavailable, type ConversationId } from '@edgechat/kernel';
import { DailyUse, toBill, type BilledCall } from '@edgechat/usage';
import type { RunningReply } from './domain/reply.js';
import { AnswerFailed } from './ports/language-model.js';
import { Replies } from './persistence/replies.js';
import { ada, anAnswer, Answering, passing } from './test-answering.js';

let world: Answering;
beforeAll(async () => {
  world = await Answering.make({ AI_TOKENS_PER_DAY: '1000000', AI_CONCURRENCY_PER_ACCOUNT: '100' });
});
afterAll(() => world.close());
beforeEach(() => world.script());

const billed = (call: number, tokensIn = 100, tokensOut = 1): BilledCall => ({ call, tokensIn, tokensOut });
/** What is counted and written: while a write is under way its counts may be told twice. */
async function usedToday(): Promise<number> {
  await world.get(DailyUse).flush();
  return (await world.get(DailyUse).getUse(ada)).tokens;
}
/** A run of the conversation's reply, as a worker begins one. */
async function claimed(id: ConversationId): Promise<RunningReply> {
  const claim = await world.get(Replies).claim(id, 100);
  if (claim.status !== 'mine') throw new Error(`expected to get the reply, but: ${claim.status}`);
  return claim.reply;
}
/** Another run that took the reply from one under way, whose lease was over: it renews it each second, so it may have to be tried again. */
async function takenOver(id: ConversationId): Promise<RunningReply> {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await world.pass(id, 5);
    const claim = await world.get(Replies).claim(id, 100);
    if (claim.status === 'mine') return claim.reply;
  }
  throw new Error('the reply could not be taken over');
}
const billOf = (reply: RunningReply, ...calls: BilledCall[]): string | null =>
  toBill({ ...reply, kind: 'reply', provider: 'test', model: 'm' }, calls);
const fail = (reply: RunningReply, ...calls: BilledCall[]): Promise<void> =>
  world.get(Replies).fail(reply, {
    code: 'ai_failed',
    retryAfterS: null,
    isInputCut: false,
    calls: calls.length,
    bill: billOf(reply, ...calls),
  });
const append = (reply: RunningReply, ...failedCalls: BilledCall[]): Promise<unknown> =>
  world.get(SendMessage).send({
    by: 'assistant',
    conversationId: reply.conversationId,
    replyId: reply.id,
    questionSeq: reply.questionSeq,
    epoch: reply.epoch,
    content: 'answer',
    provider: 'test',
    model: 'm',
    ...anAnswer({ failedCalls }),
  });
async function aQuestion(): Promise<ConversationId> {
  const id = await world.conversation('group');
  await world.ask(id, 'well?', { key: 'k' });
  return id;
}

describe('calls that failed and are billed', () => {
  it('are charged with the reply that failed, and count among the tokens of the day', async () => {
    const before = await usedToday();
    const id = await aQuestion();
    world.script(new AnswerFailed('ai_refused', { calls: 2, failedCalls: [billed(1), billed(2, 50, 0)] }));
    await world.run(id);

    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 150, tokens_out: 1 }]);
    expect((await usedToday()) - before).toBe(151);
  });

  it('charge nothing where the provider bills nothing', async () => {
    const id = await aQuestion();
    world.script(new AnswerFailed('ai_failed', { calls: 3 }));
    await world.run(id);

    expect(await world.chargesIn(id)).toEqual([]);
  });

  it('are added to the answer that came after them, in one row, over runs that waited and repeats', async () => {
    const before = await usedToday();
    const id = await aQuestion();
    world.script(
      passing('ai_overloaded', { failedCalls: [billed(1)] }),
      new AnswerFailed('ai_failed', { calls: 1, failedCalls: [billed(1)] }),
      anAnswer({ failedCalls: [billed(1), billed(3)] }),
    );
    await world.run(id);
    await world.pass(id, 2);
    await world.run(id);
    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 200, tokens_out: 2 }]);
    await world.ask(id, 'well?', { key: 'k' });
    await world.run(id);

    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 410, tokens_out: 9 }]);
    expect((await usedToday()) - before).toBe(419);
  });

  it('of a run whose reply is another’s by now are charged as well, before its answer and after', async () => {
    const id = await aQuestion();
    const [slow] = [await claimed(id), await world.pass(id, 5)];
    const [slower] = [await claimed(id), await world.pass(id, 5)];
    const last = await claimed(id);
    await fail(slow, billed(1));
    await append(last, billed(1), billed(2));
    await fail(slower, billed(1));

    expect(await world.repliesIn(id)).toMatchObject([{ status: 'done', failure: null, calls: 0 }]);
    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 410, tokens_out: 9 }]);
  });

  it('are charged once, whoever tells them again: the run that failed, or one that is late', async () => {
    const id = await aQuestion();
    const [slow] = [await claimed(id), await world.pass(id, 5)];
    const second = await claimed(id);
    for (let n = 0; n < 3; n += 1) await fail(second, billed(1), billed(2));
    for (let n = 0; n < 3; n += 1) await fail(slow, billed(2), billed(3));

    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 400, tokens_out: 4 }]);
    expect(await world.repliesIn(id)).toMatchObject([{ status: 'failed', calls: 2 }]);
  });

  it('are charged once when the answer to the append was lost, and when another run’s answer is there', async () => {
    const id = await aQuestion();
    const sending = world.get(SendMessage);
    const send = sending.send.bind(sending);
    let isLost = false;
    sending.send = async (...args) => {
      const sent = await send(...args);
      if (args[0].by !== 'assistant' || isLost) return sent;
      isLost = true;
      throw new Unavailable('postgres');
    };
    world.script(anAnswer({ failedCalls: [billed(1)] }));
    await world.run(id).finally(() => (sending.send = send));
    expect([isLost, await world.chargesIn(id)]).toEqual([true, [{ tokens_in: 110, tokens_out: 6 }]]);

    const other = await aQuestion();
    world.script(async () => {
      await append(await takenOver(other), billed(1));
      return anAnswer({ failedCalls: [billed(1)] });
    });
    await world.run(other);
    expect(await world.chargesIn(other)).toEqual([{ tokens_in: 210, tokens_out: 7 }]);
  });

  it('are charged where the conversation was deleted meanwhile', async () => {
    const id = await aQuestion();
    world.script(async () => {
      await world.sql('update edgechat.conversations set deleted_at = clock_timestamp() where id = $1', id);
      return anAnswer({ failedCalls: [billed(1)] });
    });
    await world.run(id);

    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 100, tokens_out: 1 }]);
  });

  it('that are told at once, by runs of many epochs and the answer, are all in one row, and nobody waits in a circle', async () => {
    const id = await aQuestion();
    const runs: RunningReply[] = [];
    for (let n = 0; n < 8; n += 1) {
      if (n > 0) await world.pass(id, 5);
      runs.push(await claimed(id));
    }
    const last = runs.at(-1) as RunningReply;
    await Promise.all(
      [...runs.slice(0, -1), ...runs.slice(0, -1)]
        .map((run) => fail(run, billed(1), billed(2)))
        .concat(append(last, billed(1)) as Promise<void>),
    );

    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 7 * 200 + 110, tokens_out: 7 * 2 + 6 }]);
  });

  it('are remembered within bounds, however often a question is asked anew, and no sum is too large', async () => {
    const id = await aQuestion();
    for (let n = 0; n < 12; n += 1) {
      await fail(await claimed(id), ...[1, 2, 3, 4].map((call) => billed(call, 200_000_000, 1)));
      await world.ask(id, 'well?', { key: 'k' });
    }

    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 2_147_483_647, tokens_out: 48 }]);
    expect(
      await world.sql(
        'select cardinality(counted_calls) as n from edgechat.answer_usage where conversation_id = $1',
        id,
      ),
    ).toEqual([{ n: 32 }]);
  });

  it('are neither doubled nor lost by a process that dies: before the end of its run it has written nothing', async () => {
    const id = await aQuestion();
    await claimed(id);
    await world.pass(id, 5);
    world.script(anAnswer({ failedCalls: [billed(1)] }));
    await world.run(id);

    expect(await world.chargesIn(id)).toEqual([{ tokens_in: 110, tokens_out: 6 }]);
  });
});
