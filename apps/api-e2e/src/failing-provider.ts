import type { Behaviour, ProviderServer } from '@edgechat/testing';

const failing = (status: number, code: string, headers: Behaviour['headers'] = {}): Behaviour => ({
  kind: 'raw',
  status,
  headers,
  body: { error: { message: 'no', type: 'invalid_request_error', param: null, code } },
});

/** What an OpenAI-compatible provider answers, by the code that comes of it. */
const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  ai_refused: failing(400, 'content_filter'),
  ai_input_too_long: failing(400, 'context_length_exceeded'),
  ai_misconfigured: failing(401, 'invalid_api_key'),
  // (Longer than any answer may take here: nobody waits for it.)
  ai_overloaded: failing(503, 'overloaded', { 'retry-after': '3000' }),
  ai_quota_exceeded: failing(429, 'rate_limit_exceeded', { 'retry-after': '3000' }),
  ai_timed_out: { kind: 'hang' },
  ai_failed: failing(400, 'no_such_thing'),
};

/** The codes that a provider can cause. */
export const PROVIDER_CODES = Object.keys(BEHAVIOURS);

/** A question on which the provider fails so that this code comes of it. */
export const questionThat = (code: string, words = 'please'): string => `${words} <<${code}>>`;

/** Has a provider fail on the questions that `questionThat` makes, each time they are asked. */
export function failByCode(provider: ProviderServer): void {
  provider.judge(({ question }) => BEHAVIOURS[/<<(\w+)>>/.exec(question)?.[1] ?? ''] ?? null);
}
