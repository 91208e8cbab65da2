import { orderHistory, type HistoryMessage } from './history.js';

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
