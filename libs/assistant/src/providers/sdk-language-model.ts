import { setTimeout as pause } from 'node:timers/promises';
import { generateText } from 'ai';
import type { FinishReason as SdkFinishReason, LanguageModel as SdkModel } from 'ai';
import { countTokens } from '../domain/count-tokens.js';
import { AnswerFailed, LanguageModel } from '../ports/language-model.js';
import type { Answer, AnswerRequest, FinishReason } from '../ports/language-model.js';
import { faultOf } from './fault-of.js';
import { promptOf } from './prompt.js';
import type { Prompt } from './prompt.js';
import { ProviderFault } from './provider-fault.js';
import { answerFailed, isWorthRepeating, pauseMs } from './retry.js';
import { storableText } from './storable-text.js';

// The SDK writes warnings to the console in colour; stdout is for JSON lines.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** The largest `integer` of PostgreSQL, where counts of tokens are kept. */
const MAX_TOKENS = 2 ** 31 - 1;

/** A provider as the SDK speaks to it, and what it asks for besides. */
export interface SdkProvider {
  readonly provider: string;
  readonly model: string;
  readonly sdkModel: SdkModel;
  /** Neighbouring turns of one role must be sent as one. */
  readonly mergesTurns: boolean;
  /** Tokens; unset where the provider does not insist on a limit. */
  readonly maxOutputTokens?: number;
}

/** Any provider by the AI SDK. The repeats are ours (see retry.ts): the SDK's begin with a pause of 2 s and know no jitter. */
export class SdkLanguageModel extends LanguageModel {
  readonly provider: string;
  readonly model: string;

  constructor(private readonly settings: SdkProvider) {
    super();
    this.provider = settings.provider;
    this.model = settings.model;
  }

  override async complete({ messages, signal }: AnswerRequest): Promise<Answer> {
    const prompt = promptOf(messages, this.settings);
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.ask(prompt, signal);
      if (!(outcome instanceof ProviderFault)) return outcome;
      if (!isWorthRepeating(outcome, tries)) throw answerFailed(outcome);
      await pause(pauseMs(tries, Math.random()), undefined, { signal }).catch(() => refuseWhenOver(signal));
    }
  }

  /** One call. A fault is its result, not thrown, for the caller to weigh. */
  private async ask({ system, messages }: Prompt, signal: AbortSignal): Promise<Answer | ProviderFault> {
    refuseWhenOver(signal);
    const { sdkModel: model, maxOutputTokens } = this.settings;
    try {
      const result = await generateText({
        model,
        system,
        messages,
        maxOutputTokens,
        maxRetries: 0,
        abortSignal: signal,
      });
      const { text, wasCut } = storableText(result.text);
      if (text.trim() === '') return new ProviderFault('empty', { reason: result.finishReason });
      return {
        text,
        tokensIn: tokens(result.usage.inputTokens) ?? countPrompt({ system, messages }),
        tokensOut: tokens(result.usage.outputTokens) ?? countTokens(text),
        finishReason: wasCut ? 'length' : finishReasonOf(result.finishReason),
        failedCalls: [],
        isHistoryRefused: false,
      };
    } catch (error) {
      refuseWhenOver(signal);
      return faultOf(error);
    }
  }
}

/** The reason of an abort is whatever the caller gave, so it may be shown as the cause. */
function refuseWhenOver(signal: AbortSignal): void {
  if (signal.aborted) throw new AnswerFailed('ai_timed_out', { cause: signal.reason });
}

/** A count by the provider, if it is one. */
function tokens(count: number | undefined): number | undefined {
  return count !== undefined && Number.isInteger(count) && count >= 0 && count <= MAX_TOKENS ? count : undefined;
}

function countPrompt({ system, messages }: Prompt): number {
  const texts = messages.flatMap(({ content }) =>
    typeof content === 'string' ? [content] : content.map((part) => ('text' in part ? part.text : '')),
  );
  return [system ?? '', ...texts].reduce((sum, text) => sum + countTokens(text), 0);
}

function finishReasonOf(reason: SdkFinishReason): FinishReason {
  return reason === 'stop' || reason === 'length' || reason === 'content-filter' ? reason : 'other';
}
