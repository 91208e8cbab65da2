import { generateText } from 'ai';
import type { FinishReason as SdkFinishReason, LanguageModel as SdkModel } from 'ai';
import { countTokens } from '../domain/count-tokens.js';
import type { Answer, FinishReason } from '../ports/language-model.js';
import { faultOf } from './fault-of.js';
import type { Prompt } from './prompt.js';
import { ProviderFault } from './provider-fault.js';
import { storableText } from './storable-text.js';

// The SDK writes warnings to the console in colour; stdout is for JSON lines.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** The largest `integer` of PostgreSQL, where counts of tokens are kept. */
const MAX_TOKENS = 2 ** 31 - 1;

/** A model as the SDK speaks to it, and what it asks for besides. */
export interface AskedModel {
  readonly sdkModel: SdkModel;
  /** Tokens; undefined where the provider does not insist on a limit. */
  readonly maxOutputTokens?: number | undefined;
  /** A server of one's own may leave a lone closing tag of its thought in an answer. */
  readonly stripsLoneThought?: boolean | undefined;
}

export type GoodAnswer = Pick<Answer, 'text' | 'tokensIn' | 'tokensOut' | 'finishReason'>;

/** One call, never repeated. A fault is its result, not thrown, for the caller to weigh. Once `signal` is aborted: any fault. */
export async function askOnce(
  { sdkModel: model, maxOutputTokens }: AskedModel,
  { system, messages }: Prompt,
  signal: AbortSignal,
): Promise<GoodAnswer | ProviderFault> {
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
    if (text.trim() === '') {
      const code = result.finishReason === 'content-filter' ? 'ai_refused' : 'ai_failed';
      return new ProviderFault('empty', { reason: result.finishReason, code });
    }
    return {
      text,
      tokensIn: tokens(result.usage.inputTokens) ?? countPrompt({ system, messages }),
      tokensOut: tokens(result.usage.outputTokens) ?? countTokens(text),
      finishReason: wasCut ? 'length' : finishReasonOf(result.finishReason),
    };
  } catch (error) {
    return faultOf(error);
  }
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
