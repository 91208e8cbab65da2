import { Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { AskCompletion, FAILURE_CODES } from '@edgechat/assistant';
import { failureOfCompletion, type CompletionOutcome } from '@edgechat/contracts';
import type { Caller } from '@edgechat/identity';
import { Unavailable } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { failure, type FailedAnswer } from '../chat/failures.js';
import { FINISH_REASON, finishReasonResponse } from '../chat/message.responses.js';
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
  @ApiProperty({ description: 'True when the prompt was too long for the model: it was not shown all of it.' })
  readonly is_input_cut!: boolean;
  @ApiProperty(FINISH_REASON) readonly finish_reason!: string | null;
}

type DoneCompletion = Extract<CompletionOutcome, { status: 'done' }>;

/** As the table of errors names it. */
const CALL = 'POST /ai/complete';
const TIMED_OUT: FailedAnswer = { code: 'ai_timed_out', retryAfterS: null };

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
  @Answers(200, CompletionResponse, {
    example: { text: 'Ciao!', is_input_cut: false, finish_reason: 'stop' },
    description: 'The answer.',
  })
  @Refuses(...FAILURE_CODES)
  async complete(
    @CurrentCaller() { accountId }: Caller,
    @RequestBody() { prompt }: CompletionRequest,
    @RequestId() requestId: string,
  ): Promise<CompletionResponse> {
    const until = new Date(Date.now() + this.config.aiTimeoutMs);
    const outcome = await this.asking.ask({ accountId, prompt, requestId }, until, this.draining.signal);
    if (outcome?.status === 'done') return completionResponse(outcome);
    // Whose patience ends because the process stops was not let down by the AI.
    if (outcome === null && this.draining.signal.aborted) throw new Unavailable('assistant');
    throw failure(outcome === null ? TIMED_OUT : { ...outcome, code: failureOfCompletion(outcome) }, { call: CALL });
  }
}

const completionResponse = ({ text, isInputCut, finishReason }: DoneCompletion): CompletionResponse => ({
  text,
  is_input_cut: isInputCut,
  finish_reason: finishReasonResponse(finishReason ?? null),
});
