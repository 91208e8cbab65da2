import { Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { AskCompletion } from '@edgechat/assistant';
import type { Caller } from '@edgechat/identity';
import { Unavailable } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { failure } from '../chat/send-and-wait.js';
import { Answers, Refuses } from '../docs/describe.js';
import { Draining } from '../health/draining.js';
import { CurrentCaller } from '../http/access.js';
import { BodyLimit, KIB_512 } from '../http/body-limit.js';
import { RequestId } from '../http/request-id.js';
import { IsStoredText, RequestBody } from '../http/validation.js';

export class CompletionRequest {
  @IsStoredText(1, 32_000, { example: 'Say hello in Italian.' }) readonly prompt!: string;
}

export class CompletionResponse {
  @ApiProperty({ example: 'Ciao!' }) readonly text!: string;
}

@ApiTags('ai')
@Controller('ai')
export class AiController {
  constructor(
    private readonly asking: AskCompletion,
    private readonly draining: Draining,
    private readonly config: Config,
  ) {}

  /** One answer outside of any conversation; nothing is kept. */
  @ApiOperation({ summary: 'One answer of the AI, outside of any conversation' })
  @Post('complete')
  @BodyLimit(KIB_512)
  @Answers(200, CompletionResponse, { example: { text: 'Ciao!' }, description: 'The answer.' })
  @Refuses('ai_failed', 'ai_not_configured', 'ai_quota_exceeded', 'budget_exhausted')
  async complete(
    @CurrentCaller() { accountId }: Caller,
    @RequestBody() { prompt }: CompletionRequest,
    @RequestId() requestId: string,
  ): Promise<CompletionResponse> {
    const until = new Date(Date.now() + this.config.aiTimeoutMs);
    const outcome = await this.asking.ask({ accountId, prompt, requestId }, until, this.draining.signal);
    if (outcome === null)
      throw new Unavailable('assistant', {
        code: 'ai_failed',
        detail: 'The AI did not answer in time. Repeat the request to ask anew.',
        retryAfterS: 1,
      });
    if (outcome.status === 'failed') throw failure(outcome.reason ?? outcome.code, outcome.retryAfterS, {});
    return { text: outcome.text };
  }
}
