import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { assertNever } from '@edgechat/kernel';
import type { LanguageModel } from '../ports/language-model.js';
import { boundedFetch } from './bounded-fetch.js';
import { DemoLanguageModel } from './demo-language-model.js';
import { NotConfigured } from './not-configured.js';
import { SdkLanguageModel } from './sdk-language-model.js';

export type AiProvider = 'gemini' | 'openai' | 'anthropic' | 'demo';

/** The settings of the providers; an empty text is the same as none. Base URLs end in `/v1`, Gemini's in `/v1beta`. */
export interface AiSettings {
  readonly aiProvider: AiProvider | undefined;
  /** Whether the demo assistant answers when no provider has its key. */
  readonly aiDemoFallback?: boolean;
  readonly geminiApiKey?: string | undefined;
  readonly geminiModel: string;
  readonly geminiBaseUrl: string;
  readonly openaiApiKey?: string | undefined;
  readonly openaiModel: string;
  readonly openaiBaseUrl?: string | undefined;
  readonly anthropicApiKey?: string | undefined;
  readonly anthropicModel: string;
  readonly anthropicBaseUrl: string;
}

export const OPENAI_BASE_URL = 'https://api.openai.com/v1';

/** Anthropic wants a limit. The SDK lowers it for models that cannot write as much. */
const ANTHROPIC_MAX_OUTPUT_TOKENS = 8_192;

/**
 * The model that the settings ask for: the provider named, else the first of Gemini, OpenAI and Anthropic that has its key
 * (for OpenAI a base URL is enough: servers of one's own need no key). Without what it needs: `NotConfigured`. Calls nobody.
 */
export function createLanguageModel(settings: AiSettings): LanguageModel {
  const provider = providerOf(settings);
  switch (provider) {
    case undefined:
      return new NotConfigured();
    case 'demo':
      return new DemoLanguageModel();
    case 'gemini':
      return gemini(settings);
    case 'openai':
      return openai(settings);
    case 'anthropic':
      return anthropic(settings);
    default:
      return assertNever(provider);
  }
}

/** Who is to answer; undefined: nobody. */
export function providerOf(settings: AiSettings): AiProvider | undefined {
  return settings.aiProvider ?? firstWithKey(settings) ?? (settings.aiDemoFallback ? 'demo' : undefined);
}

function firstWithKey(settings: AiSettings): AiProvider | undefined {
  if (settings.geminiApiKey) return 'gemini';
  if (settings.openaiApiKey || settings.openaiBaseUrl) return 'openai';
  return settings.anthropicApiKey ? 'anthropic' : undefined;
}

function gemini({ geminiApiKey: apiKey, geminiModel: model, geminiBaseUrl: baseURL }: AiSettings): LanguageModel {
  if (!apiKey) return new NotConfigured();
  const sdkModel = createGoogleGenerativeAI({ apiKey, baseURL, fetch: boundedFetch })(model);
  return new SdkLanguageModel({ provider: 'gemini', model, sdkModel, mergesTurns: true });
}

function openai({ openaiApiKey: apiKey, openaiModel: model, openaiBaseUrl }: AiSettings): LanguageModel {
  if (!apiKey && !openaiBaseUrl) return new NotConfigured();
  const key = apiKey ? { apiKey } : {};
  const sdkModel = createOpenAICompatible({
    name: 'openai',
    baseURL: openaiBaseUrl || OPENAI_BASE_URL,
    ...key,
    fetch: boundedFetch,
  })(model);
  return new SdkLanguageModel({ provider: 'openai', model, sdkModel, mergesTurns: false });
}

function anthropic({
  anthropicApiKey: apiKey,
  anthropicModel: model,
  anthropicBaseUrl: baseURL,
}: AiSettings): LanguageModel {
  if (!apiKey) return new NotConfigured();
  const sdkModel = createAnthropic({ apiKey, baseURL, fetch: boundedFetch })(model);
  return new SdkLanguageModel({
    provider: 'anthropic',
    model,
    sdkModel,
    mergesTurns: true,
    maxOutputTokens: ANTHROPIC_MAX_OUTPUT_TOKENS,
  });
}
