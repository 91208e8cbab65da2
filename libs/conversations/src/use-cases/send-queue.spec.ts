import { newReplyId, Unavailable, type AccountId, type ConversationId } from '@edgechat/kernel';
import type { PersonSend, SentMessage } from '../domain/message.js';
import { SendQueue, type Waiting } from './send-queue.js';

const aSend = (content = 'x', conversation = newReplyId().toString()): PersonSend => ({
  by: 'person',
  conversationId: conversation as ConversationId,
  authorId: 1 as AccountId,
  clientKey: null,
  content,
  replyId: newReplyId(),
  answerWithinMs: 1,
});
const sent = {} as SentMessage;
const MIB = 1024 * 1024;

/** A queue whose transactions end when `commit` is called, oldest first. */
function aQueue(maxWaiting = 1_000) {
  const batches: (readonly Waiting[])[] = [];
  const commits: (() => void)[] = [];
  const queue = new SendQueue(maxWaiting, (batch, isWritten) => {
    batches.push(batch);
    return new Promise((resolve) =>
      commits.push(() => {
        isWritten();
        batch.forEach((one) => one.resolve(sent));
        resolve();
      }),
    );
  });
  return { queue, batches, commit: () => commits.shift()?.() };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('a queue of sends', () => {
  it('writes sends of the same turn together, and one that comes alone at once', async () => {
    const { queue, batches } = aQueue();
    void queue.add(aSend());
    void queue.add(aSend());
    await turn();
    void queue.add(aSend());
    await turn();

    expect(batches.map(({ length }) => length)).toEqual([2, 1]);
  });

  it('gathers what comes while three batches are being written, 128 at most in one', async () => {
    const { queue, batches, commit } = aQueue();
    for (let i = 0; i < 3; i += 1) {
      void queue.add(aSend());
      await turn();
    }
    for (let i = 0; i < 200; i += 1) void queue.add(aSend());
    await turn();
    expect(batches).toHaveLength(3);

    commit();
    commit();
    await turn();

    expect(batches.slice(3).map(({ length }) => length)).toEqual([128, 72]);
  });

  it('has a conversation in one batch at a time, in the order of its sends, and lets others pass', async () => {
    const { queue, batches, commit } = aQueue();
    void queue.add(aSend('first', 'A'));
    await turn();
    void queue.add(aSend('second', 'A'));
    void queue.add(aSend('other', 'B'));
    void queue.add(aSend('third', 'A'));
    await turn();
    expect(batches.map((batch) => batch.map(({ send }) => send.content))).toEqual([['first'], ['other']]);

    commit();
    await turn();

    expect(batches.slice(2).map((batch) => batch.map(({ send }) => send.content))).toEqual([['second', 'third']]);
  });

  it('puts at most 2 MiB into a batch, but always one send', async () => {
    const { queue, batches } = aQueue();
    for (const size of [3 * MIB, MIB, MIB, 1]) void queue.add(aSend('x'.repeat(size)));
    await turn();

    expect(batches.map((batch) => batch.map(({ bytes }) => bytes))).toEqual([[3 * MIB], [MIB, MIB], [1]]);
  });

  it('refuses early, with Unavailable, what would make too many wait, and takes sends again once there is room', async () => {
    const { queue, batches } = aQueue(2);
    void queue.add(aSend('first'));
    void queue.add(aSend('second'));

    await expect(queue.add(aSend('refused'))).rejects.toThrow(Unavailable);
    await turn();

    void queue.add(aSend('third'));
    await turn();
    expect(batches.flat().map(({ send }) => send.content)).toEqual(['first', 'second', 'third']);
  });

  it('refuses beyond 16 MiB of waiting texts', async () => {
    const { queue } = aQueue();
    for (let i = 0; i < 16; i += 1) void queue.add(aSend('x'.repeat(MIB)));

    await expect(queue.add(aSend())).rejects.toThrow(Unavailable);
  });
});
