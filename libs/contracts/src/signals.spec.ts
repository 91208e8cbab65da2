import { FAILURE_CODES, failureOfCompletion, completionOutcome, failedCompletion } from './signals.js';

const { parse } = completionOutcome;
const failed = (more: object): unknown => ({ status: 'failed', code: 'ai_failed', retryAfterS: null, ...more });

describe('the outcome of a completion, of a worker', () => {
  it('of the release before, has defaults for what that does not know', () => {
    expect(parse({ status: 'done', text: 'x' })).toEqual({
      status: 'done',
      text: 'x',
      isInputCut: false,
    });
    expect(parse(failed({}))).toMatchObject({ code: 'ai_failed', isInputCut: false });
  });

  it.each([
    ['ai_failed', failed({})],
    ['budget_exhausted', failed({ code: 'ai_quota_exceeded', reason: 'budget_exhausted' })],
    ['ai_refused', failed({ failure: 'ai_refused' })],
    ['ai_failed', failed({ failure: 'of_a_later_release' })],
  ])('failed for %s', (failure, sent) => {
    const outcome = parse(sent);
    expect(outcome.status === 'failed' && failureOfCompletion(outcome)).toBe(failure);
  });

  it.each(FAILURE_CODES)('that failed for %s has a code that the release before knows', (failure) => {
    const told = failedCompletion(failure, { retryAfterS: 7, isInputCut: true });
    expect(told).toMatchObject({
      code: expect.stringMatching(/^(ai_not_configured|ai_failed|ai_quota_exceeded)$/),
      retryAfterS: 7,
      isInputCut: true,
    });
    expect(parse(JSON.parse(JSON.stringify(told)))).toEqual(told);
  });
});
