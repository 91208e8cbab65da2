import { generateText } from 'ai';
import type { FinishReason as SdkFinishReason, LanguageModel as SdkModel } from 'ai';
import { countTokens } from '../domain/count-tokens.js';
import type { Answer, FinishReason } from '../ports/language-model.js';
import { faultOf } from './fault-of.js';
import { countPrompt, type Prompt } from './prompt.js';
import { ProviderFault } from './provider-fault.js';
import { countOf, usedTokens } from './reported-usage.js';
import type { ReportedUsage } from './reported-usage.js';
import { isInvisible, storableText } from './storable-text.js';
import { withoutThought } from './thought.js';
import { firstMember } from './unknown-json.js';

// The SDK writes warnings to the console in colour; stdout is for JSON lines.
globalThis.AI_SDK_LOG_WARNINGS = false;

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
  model: AskedModel,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<GoodAnswer | ProviderFault> {
  const outcome = await called(model, prompt, signal);
  if (!(outcome instanceof ProviderFault) || outcome.spent === null) return outcome;
  const { reported, countedOut } = outcome.spent;
  return outcome.withUse(usedTokens(reported, { tokensIn: countPrompt(prompt), tokensOut: countedOut }));
}

async function called(
  { sdkModel: model, maxOutputTokens, stripsLoneThought = false }: AskedModel,
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
    const finishReason = finishReasonOf(result.finishReason);
    // Thought is billed wherever it stands.
    const countedOut = countTokens(result.reasoningText ?? '') + countTokens(result.text);
    const reported = reportedIn(result.usage.raw);
    const answer = withoutThought(result.text, { stripsLone: stripsLoneThought });
    if (isInvisible(answer)) {
      const code = finishReason === 'content-filter' ? 'ai_refused' : 'ai_failed';
      const mayBeHistory = finishReason === 'other';
      return new ProviderFault('empty', { reason: 'thought', code, mayBeHistory, spent: { reported, countedOut } });
    }

    const { text, wasCut } = storableText(answer);
    const used = usedTokens(reported, { tokensIn: countPrompt({ system, messages }), tokensOut: countedOut });
    return { text, ...used, finishReason: wasCut ? 'length' : finishReason };
  } catch (error) {
    return faultOf(error);
  }
}

/** As `AnswerFormat.bodyOf` wrote it: the SDK's own counts are 0 for what was not reported. */
function reportedIn(raw: unknown): ReportedUsage {
  return {
    tokensIn: countOf(firstMember(raw, 'prompt_tokens', 'promptTokenCount', 'input_tokens')),
    tokensOut: countOf(firstMember(raw, 'completion_tokens', 'candidatesTokenCount', 'output_tokens')),
    total: countOf(firstMember(raw, 'total_tokens', 'totalTokenCount')),
  };
}

function finishReasonOf(reason: SdkFinishReason): FinishReason {
  return reason === 'stop' || reason === 'length' || reason === 'content-filter' ? reason : 'other';
}
