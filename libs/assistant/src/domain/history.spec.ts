import { orderHistory, withoutRefused, type EarlierReply, type HistoryMessage } from './history.js';

const question = (seq: number): HistoryMessage => ({ seq, role: 'user', answersSeq: null, content: `q${seq}` });
const answer = (seq: number, answersSeq: number): HistoryMessage => ({
  seq,
  role: 'model',
  answersSeq,
  content: `a${answersSeq}`,
});

describe('the history of a question', () => {
  it('has each answer right after its question, though other questions came before it, and the question last', () => {
    const messages = [answer(5, 2), question(1), question(2), question(3), answer(4, 1)];

    expect(orderHistory(messages).map(({ content }) => content)).toEqual(['q1', 'a1', 'q2', 'a2', 'q3']);
  });

  it('has each message once', () => {
    expect(orderHistory([question(1), question(1), answer(2, 1), answer(2, 1)])).toHaveLength(2);
  });
});

describe('what of a history is shown', () => {
  const reply = (questionSeq: number, more: Partial<EarlierReply> = {}): EarlierReply => ({
    questionSeq,
    isRefused: false,
    isHistoryRefused: false,
    ...more,
  });
  const shown = (
    messages: readonly HistoryMessage[],
    replies: readonly EarlierReply[],
    questionSeq: number,
  ): string[] => orderHistory(withoutRefused(messages, replies, questionSeq)).map(({ content }) => content);
  const messages = [question(1), question(2), answer(3, 1), question(4), answer(5, 2), question(6)];

  it('is all of it where nothing was refused', () => {
    expect(shown(messages, [], 6)).toEqual(['q1', 'a1', 'q2', 'a2', 'q4', 'q6']);
  });

  it('has no question that was refused, and no answer to one', () => {
    expect(shown(messages, [reply(2, { isRefused: true }), reply(4, { isRefused: true })], 6)).toEqual([
      'q1',
      'a1',
      'q6',
    ]);
  });

  it('begins with the newest question that was answered only without what stands before it, whenever the answers came', () => {
    const replies = [reply(1, { isHistoryRefused: true }), reply(2, { isHistoryRefused: true })];

    expect(shown(messages, replies, 6)).toEqual(['q2', 'a2', 'q4', 'q6']);
    expect(shown([...messages, answer(7, 1)], replies, 6)).toEqual(['q2', 'a2', 'q4', 'q6']);
  });

  it('is the question at least', () => {
    expect(shown(messages, [reply(6, { isRefused: true, isHistoryRefused: true })], 6)).toContain('q6');
    expect(shown([question(1)], [reply(1, { isRefused: true })], 1)).toEqual(['q1']);
  });
});
