import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { assertNever } from '@edgechat/kernel';
import type { LanguageModel } from '../ports/language-model.js';
import { boundedFetch } from './bounded-fetch.js';
import { DemoLanguageModel } from './demo-language-model.js';
import { NotConfigured } from './not-configured.js';
import { SdkLanguageModel, type ModelNote } from './sdk-language-model.js';
import { ANTHROPIC_FORMAT } from './wire-anthropic.js';
import { GEMINI_FORMAT } from './wire-gemini.js';
import { OPENAI_FORMAT } from './wire-openai.js';

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

type OnNote = ModelListener['onNote'];

export const OPENAI_BASE_URL = 'https://api.openai.com/v1';

/** The providers' own servers. Behind another address is a server of one's own, which may show raw output of a model. */
const PROVIDERS_HOSTS = ['api.openai.com', 'generativelanguage.googleapis.com', 'api.anthropic.com'];

/** Anthropic wants a limit. The SDK lowers it for models that cannot write as much. */
const ANTHROPIC_MAX_OUTPUT_TOKENS = 8_192;

/** Who hears what the operator should know. */
export interface ModelListener {
  readonly onNote?: (note: ModelNote) => void;
}

/**
 * The model that the settings ask for: the provider named, else the first of Gemini, OpenAI and Anthropic that has its key
 * (for OpenAI a base URL is enough: servers of one's own need no key). Without what it needs: `NotConfigured`. Calls nobody.
 */
export function createLanguageModel(settings: AiSettings, { onNote }: ModelListener = {}): LanguageModel {
  const provider = providerOf(settings);
  switch (provider) {
    case undefined:
      return new NotConfigured();
    case 'demo':
      return new DemoLanguageModel();
    case 'gemini':
      return gemini(settings, onNote);
    case 'openai':
      return openai(settings, onNote);
    case 'anthropic':
      return anthropic(settings, onNote);
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

function gemini(
  { geminiApiKey: apiKey, geminiModel: model, geminiBaseUrl: baseURL }: AiSettings,
  onNote: OnNote,
): LanguageModel {
  if (!apiKey) return new NotConfigured();
  const sdkModel = createGoogleGenerativeAI({ apiKey, baseURL, fetch: boundedFetch(GEMINI_FORMAT) })(model);
  return new SdkLanguageModel({ provider: 'gemini', model, sdkModel, onNote, stripsLoneThought: isOnesOwn(baseURL) });
}

function openai(
  { openaiApiKey: apiKey, openaiModel: model, openaiBaseUrl }: AiSettings,
  onNote: OnNote,
): LanguageModel {
  if (!apiKey && !openaiBaseUrl) return new NotConfigured();
  const key = apiKey ? { apiKey } : {};
  const baseURL = openaiBaseUrl || OPENAI_BASE_URL;
  const sdkModel = createOpenAICompatible({ name: 'openai', baseURL, ...key, fetch: boundedFetch(OPENAI_FORMAT) })(
    model,
  );
  return new SdkLanguageModel({
    provider: 'openai',
    model,
    sdkModel,
    onNote,
    stripsLoneThought: isOnesOwn(baseURL),
  });
}

function anthropic(
  { anthropicApiKey: apiKey, anthropicModel: model, anthropicBaseUrl: baseURL }: AiSettings,
  onNote: OnNote,
): LanguageModel {
  if (!apiKey) return new NotConfigured();
  const sdkModel = createAnthropic({ apiKey, baseURL, fetch: boundedFetch(ANTHROPIC_FORMAT) })(model);
  return new SdkLanguageModel({
    provider: 'anthropic',
    model,
    sdkModel,
    onNote,
    stripsLoneThought: isOnesOwn(baseURL),
    maxOutputTokens: ANTHROPIC_MAX_OUTPUT_TOKENS,
  });
}

/** Whether a base URL is not the provider's. */
export function isOnesOwn(baseUrl: string): boolean {
  return !URL.canParse(baseUrl) || !PROVIDERS_HOSTS.includes(new URL(baseUrl).hostname);
}
