import { FAILURE_CODES, type FailureCode } from '@edgechat/assistant';
import { errorRow, Unavailable } from '@edgechat/kernel';
import { problemHeaders, problemOf } from '../http/problem.js';
import { describeFailure, failure } from './failures.js';

const SEND = 'POST /chat/conversations/{id}/messages';
const COMPLETE = 'POST /ai/complete';
/** What a repeat does not change. */
const FINAL: readonly FailureCode[] = ['ai_refused', 'ai_input_too_long'];

/** Status, code and `Retry-After` of the answer to a call whose answer failed so. */
function answered(code: string, call: string, retryAfterS: number | null = null): unknown[] {
  const error = failure({ code, retryAfterS }, { call });
  const problem = problemOf(error, { path: '/api/v1/x', requestId: 'r' });
  return [problem.status, problem.code, problemHeaders(error)['retry-after'] ?? null];
}

describe('a failed answer', () => {
  it.each([
    ['ai_not_configured', 503, 503, '60'],
    ['ai_failed', 503, 503, '5'],
    ['ai_timed_out', 503, 503, '5'],
    ['ai_overloaded', 503, 503, '5'],
    ['ai_misconfigured', 503, 503, '300'],
    ['ai_quota_exceeded', 429, 429, '60'],
    ['budget_exhausted', 429, 429, '60'],
    ['ai_refused', 503, 422, null],
    ['ai_input_too_long', 503, 422, null],
  ] as const)('%s is %s to a send, %s to /ai/complete, Retry-After %s', (code, send, complete, retryAfter) => {
    expect(answered(code, SEND)).toEqual([send, code, retryAfter]);
    expect(answered(code, COMPLETE)).toEqual([complete, code, retryAfter]);
  });

  it.each(FAILURE_CODES)('%s has the wait that the provider named, unless a repeat gives the same', (code) => {
    for (const call of [SEND, COMPLETE]) expect(answered(code, call, 17)[2]).toBe(FINAL.includes(code) ? null : '17');
    expect(FINAL.includes(code)).toBe(errorRow(code).isFinal === true);
  });

  it.each(FAILURE_CODES)('%s is told in sentences, which advise no repeat that changes nothing', (code) => {
    const { detail } = failure({ code, retryAfterS: null }, { call: SEND });
    const onReply = describeFailure({ code, retryAfterS: 17 });

    expect(onReply).toEqual({ code, detail: expect.stringMatching(/^[A-Z][^.]{19,}\.$/), retry_after_s: 17 });
    expect(onReply.detail).not.toMatch(/repeat|key/i);
    expect(/ask again/.test(onReply.detail)).toBe(
      !['ai_refused', 'ai_input_too_long', 'ai_misconfigured', 'ai_not_configured'].includes(code),
    );
    expect(/asks anew/.test(detail)).toBe(/ask again/.test(onReply.detail));
    expect(/gives the same/.test(detail)).toBe(FINAL.includes(code));
  });

  it('is named in the words of the first contract where no AI is set', () => {
    expect(failure({ code: 'ai_not_configured', retryAfterS: null }, { call: SEND }).detail).toBe(
      'AI service not configured',
    );
  });

  it('of a code that a later release knows is the code for the rest', () => {
    expect(answered('ai_on_fire', SEND, 9)).toEqual([503, 'ai_failed', '9']);
    expect(describeFailure({ code: 'ai_on_fire', retryAfterS: 9 })).toMatchObject({ code: 'ai_failed' });
    for (const code of ['toString', '__proto__', '']) expect(answered(code, SEND)[1]).toBe('ai_failed');
  });

  it('is no dependency that is away where the text is at fault', () => {
    for (const code of FAILURE_CODES)
      expect([code, failure({ code, retryAfterS: null }, { call: SEND }) instanceof Unavailable]).toEqual([
        code,
        errorRow(code).status === 503 && !FINAL.includes(code),
      ]);
  });

  it('takes the kept message along', () => {
    const error = failure({ code: 'ai_refused', retryAfterS: null }, { call: SEND, members: { user_message: 1 } });
    expect(problemOf(error, { path: '/', requestId: 'r' })).toMatchObject({ user_message: 1, code: 'ai_refused' });
  });
});
