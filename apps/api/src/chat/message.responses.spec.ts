import type { Message, MessageReply } from '@edgechat/conversations';
import { accountId, newConversationId, newMessageId, newReplyId } from '@edgechat/kernel';
import { finishReasonResponse, messageResponse, replyResponse } from './message.responses.js';

const REPLY: MessageReply = { id: newReplyId(), status: 'queued', isInputCut: false, failure: null };
const QUESTION: Message = {
  id: newMessageId(),
  conversationId: newConversationId(),
  seq: 1,
  role: 'user',
  authorId: accountId(1),
  authorName: 'Ada',
  content: 'hello',
  clientKey: null,
  answersSeq: null,
  reply: null,
  finishReason: null,
  createdAt: new Date(0),
};

describe('a message as clients see it', () => {
  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content-filter', 'content_filter'],
    ['other', null],
    ['content_filter', null],
    ['constructor', null],
    ['', null],
    [null, null],
  ])('says for the finish reason %j: %j', (stored, shown) => {
    expect(finishReasonResponse(stored)).toBe(shown);
  });

  it('has a reply where an answer was asked for, and null for what its role does not have', () => {
    expect(messageResponse(QUESTION)).toMatchObject({ reply: null, finish_reason: null });
    expect(messageResponse({ ...QUESTION, reply: REPLY })).toMatchObject({
      reply: { id: REPLY.id, status: 'queued', is_input_cut: false, failure: null },
      finish_reason: null,
    });
    const answer = { ...QUESTION, seq: 2, role: 'model', answersSeq: 1, finishReason: 'length' } as const;
    expect(messageResponse(answer)).toMatchObject({ reply: null, finish_reason: 'length' });
  });

  it('says why the answer failed, in the words of the table', () => {
    const failed = { ...REPLY, status: 'failed', isInputCut: true } as const;
    expect(replyResponse({ ...failed, failure: { code: 'ai_overloaded', retryAfterS: 20 } })).toEqual({
      id: REPLY.id,
      status: 'failed',
      is_input_cut: true,
      failure: { code: 'ai_overloaded', detail: expect.stringContaining('overloaded'), retry_after_s: 20 },
    });
  });
});
