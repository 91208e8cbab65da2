import type { AskCompletion } from '@edgechat/assistant';
import { completionOutcome } from '@edgechat/contracts';
import type { Caller } from '@edgechat/identity';
import { accountId, type Refusal, type Unavailable } from '@edgechat/kernel';
import type { Config } from '@edgechat/platform/config';
import { Draining } from '../health/draining.js';
import { problemHeaders, problemOf } from '../http/problem.js';
import { AiController } from './ai.controller.js';

/** The call, in a process that reads this outcome, or with null of none in time. */
function complete(outcome: object | null, draining = new Draining()): Promise<unknown> {
  const read = outcome && completionOutcome.parse(outcome);
  const asking = { ask: () => Promise.resolve(read) } as unknown as AskCompletion;
  const controller = new AiController(asking, draining, { aiTimeoutMs: 1_000 } as Config);
  return controller.complete({ accountId: accountId(1) } as Caller, { prompt: 'hello' }, 'r');
}
async function problem(outcome: object | null, draining?: Draining): Promise<unknown[]> {
  const error = await complete(outcome, draining).then(
    () => Promise.reject(new Error('it was answered')),
    (thrown: unknown) => thrown as Refusal | Unavailable,
  );
  const { status, code } = problemOf(error, { path: '/api/v1/ai/complete', requestId: 'r' });
  return [status, code, problemHeaders(error)['retry-after'] ?? null];
}
const failed = (more: object): object => ({
  status: 'failed',
  code: 'ai_failed',
  retryAfterS: null,
  ...more,
});

describe('POST /ai/complete', () => {
  it('gives the text, whether the prompt was cut, and why the model stopped', async () => {
    const said = { status: 'done', text: 'Ciao!', isInputCut: true, finishReason: 'content-filter' };
    expect(await complete(said)).toEqual({ text: 'Ciao!', is_input_cut: true, finish_reason: 'content_filter' });
  });

  it('is answered by a worker of the release before, too, which says neither', async () => {
    expect(await complete({ status: 'done', text: 'Ciao!' })).toEqual({
      text: 'Ciao!',
      is_input_cut: false,
      finish_reason: null,
    });
  });

  it.each([
    [{ code: 'ai_failed' }, [503, 'ai_failed', '5']],
    [{ code: 'ai_not_configured' }, [503, 'ai_not_configured', '60']],
    [{ code: 'ai_quota_exceeded', retryAfterS: 7 }, [429, 'ai_quota_exceeded', '7']],
    [{ code: 'ai_quota_exceeded', reason: 'budget_exhausted', retryAfterS: 9 }, [429, 'budget_exhausted', '9']],
    [{ failure: 'ai_refused' }, [422, 'ai_refused', null]],
    [{ failure: 'ai_input_too_long' }, [422, 'ai_input_too_long', null]],
    [{ failure: 'ai_misconfigured' }, [503, 'ai_misconfigured', '300']],
    [{ failure: 'ai_overloaded', retryAfterS: 20 }, [503, 'ai_overloaded', '20']],
    [{ failure: 'ai_timed_out' }, [503, 'ai_timed_out', '5']],
  ])('fails for %j with %j', async (outcome, answered) => {
    expect(await problem(failed(outcome))).toEqual(answered);
  });

  it('is ai_timed_out when nobody said anything in time, unless the process stops', async () => {
    expect(await problem(null)).toEqual([503, 'ai_timed_out', '5']);

    const draining = new Draining();
    draining.begin();
    draining.expire();
    expect(await problem(null, draining)).toEqual([503, 'service_unavailable', '1']);
  });
});
