import type { ConversationId, MessageId } from '@edgechat/kernel';
import type { MessageDocument } from '../persistence/message-documents.js';
import { GatheredWrites } from './gathered-writes.js';

const text = (seq: number): MessageDocument => ({
  conversation_id: 'c' as ConversationId,
  seq,
  message_id: 'm' as MessageId,
  author: 1,
  content: '',
  created_at: new Date(0),
});

/** A store whose writes end when the test says so. */
function aStore() {
  const writes: { readonly seqs: number[]; readonly end: (error?: Error) => void }[] = [];
  const gathered = new GatheredWrites(
    (documents) =>
      new Promise((resolve, reject) =>
        writes.push({ seqs: documents.map(({ seq }) => seq), end: (error) => (error ? reject(error) : resolve()) }),
      ),
  );
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { writes, gathered, turn, seqs: () => writes.map((write) => write.seqs) };
}

describe('texts that are to be written', () => {
  it('are written at once while few writes are under way, and else together when one has ended', async () => {
    const { writes, gathered, turn, seqs } = aStore();
    const done: number[] = [];
    for (let n = 1; n <= 5; n += 1) void gathered.write([text(n)]).then(() => done.push(n));
    expect(seqs()).toEqual([[1], [2]]);

    writes[1]?.end();
    await turn();
    expect(seqs()).toEqual([[1], [2], [3, 4, 5]]);
    expect(done).toEqual([2]);

    writes[2]?.end();
    await turn();
    expect(done).toEqual([2, 3, 4, 5]);
    void gathered.write([text(6)]);
    expect(seqs().at(-1)).toEqual([6]);
  });

  it('share a failure, and what comes after it is written', async () => {
    const { writes, gathered, turn, seqs } = aStore();
    const results = [1, 2, 3, 4].map((n) =>
      gathered.write([text(n)]).then(
        () => 'written',
        (error: unknown) => (error instanceof Error ? error.message : ''),
      ),
    );
    writes[0]?.end(new Error('away'));
    await turn();
    const later = gathered.write([text(5)]);
    writes[2]?.end(new Error('still away'));
    writes[1]?.end();
    await turn();

    expect(await Promise.all(results)).toEqual(['away', 'written', 'still away', 'still away']);
    writes[3]?.end();
    await later;
    expect(seqs()).toEqual([[1], [2], [3, 4], [5]]);
  });

  it('go at most 1,000 together, none is left out, and never more than two writes are under way', async () => {
    const { writes, gathered, turn, seqs } = aStore();
    const all = Array.from({ length: 30 }, (_, n) =>
      gathered.write(Array.from({ length: 100 }, (_, m) => text(n * 100 + m))),
    );
    for (let ended = 0; ended < writes.length; ended += 1) {
      expect(writes.length - ended).toBeLessThanOrEqual(2);
      writes[ended]?.end();
      await turn();
    }
    await Promise.all(all);

    expect(
      seqs()
        .flat()
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 3_000 }, (_, n) => n));
    expect(Math.max(...seqs().map((one) => one.length))).toBe(1_000);
  });
});
