import type { Stack } from '@edgechat/testing';
import { PROVIDER_CODES, questionThat } from './failing-provider.js';
import type { Answers } from './openapi-answers.js';
import { MESSAGES } from './openapi-places.js';

/** Sees what calls answer when the provider fails (`failByCode`). Of the API at `hastyUrl` answers may take little time. */
export async function seeFailures({ see }: Answers, stack: Stack, hastyUrl: string): Promise<void> {
  for (const code of PROVIDER_CODES) {
    const client = await stack.client().register();
    const asker = code === 'ai_timed_out' ? client.at(hastyUrl) : client;
    const content = questionThat(code);
    await see(asker, `post ${MESSAGES}`, { id: await client.conversation(), body: { content } });
    await see(asker, 'post /api/v1/ai/complete', { body: { prompt: content } });
  }
}
