import { z } from 'zod';
import { baseUrl, key, modelInPath, modelName, noProxyList, proxyUrl } from './provider-values.js';
import { limit, wholeNumber } from './setting-values.js';
import { BOTH, common, secret, setting, WORKER, type Setting } from './setting.js';

/** Who answers, how they are reached, and how much they may. */
export const PROVIDER_SETTINGS = {
  AI_PROVIDER: setting(
    WORKER,
    undefined,
    z.enum(['gemini', 'openai', 'anthropic', 'demo']),
    'gemini, openai, anthropic or demo. Unset: the first of the three that has its key.',
  ),
  AI_DEMO_FALLBACK: setting(
    WORKER,
    'false',
    z.enum(['true', 'false']).transform((value) => value === 'true'),
    '`true`: the demo assistant answers when no provider has its key. Ignored in production.',
  ),
  GEMINI_API_KEY: secret(WORKER, undefined, key, 'Key of the Gemini API.'),
  GEMINI_MODEL: setting(WORKER, 'gemini-2.5-flash', modelInPath, "Gemini's model."),
  GEMINI_BASE_URL: setting(
    WORKER,
    'https://generativelanguage.googleapis.com/v1beta',
    baseUrl,
    'Base URL of the Gemini API.',
  ),
  OPENAI_API_KEY: secret(
    WORKER,
    undefined,
    key,
    'Key of an OpenAI-compatible server; servers without keys need OPENAI_BASE_URL only.',
  ),
  OPENAI_MODEL: setting(WORKER, 'gpt-4o-mini', modelName, "The OpenAI-compatible server's model."),
  OPENAI_BASE_URL: setting(
    WORKER,
    undefined,
    baseUrl,
    'Base URL of an OpenAI-compatible server (Ollama, vLLM, OpenRouter), ending in /v1. Unset: OpenAI itself.',
  ),
  ANTHROPIC_API_KEY: secret(WORKER, undefined, key, 'Key of the Anthropic API.'),
  ANTHROPIC_MODEL: setting(WORKER, 'claude-sonnet-4-5', modelName, "Anthropic's model."),
  ANTHROPIC_BASE_URL: setting(
    WORKER,
    'https://api.anthropic.com/v1',
    baseUrl,
    'Base URL of the Anthropic API, ending in /v1.',
  ),
  HTTPS_PROXY: common(
    secret(
      WORKER,
      undefined,
      proxyUrl,
      'The HTTP proxy on the way to a provider whose base URL begins with https://; also as https_proxy, which goes first.',
    ),
  ),
  HTTP_PROXY: common(
    secret(WORKER, undefined, proxyUrl, 'The same for http://; also as http_proxy, which goes first.'),
  ),
  NO_PROXY: common(
    setting(
      WORKER,
      '',
      noProxyList,
      'Providers that are called without those proxies: names (with all below them), addresses or CIDR ranges, each with :port if it is for that one only, comma-separated, or *; also as no_proxy.',
    ),
  ),
  AI_CONTEXT_MAX_TOKENS: setting(
    WORKER,
    '16000',
    wholeNumber(100, 2_000_000),
    'Tokens of history sent to the provider.',
  ),
  AI_CONCURRENCY: setting(WORKER, '32', wholeNumber(1, 1_000), 'Answers one worker makes at once.'),
  AI_CONCURRENCY_RESERVED: setting(
    WORKER,
    '8',
    wholeNumber(0, 999),
    'Of those, so many are kept for accounts that have no answer under way; fewer than AI_CONCURRENCY.',
  ),
  AI_CONCURRENCY_PER_ACCOUNT: setting(BOTH, '4', wholeNumber(1, 1_000), 'Answers of one account made at once.'),
  AI_TOKENS_PER_DAY: setting(
    BOTH,
    'unlimited',
    limit(1_000_000_000_000),
    'Tokens, in and out, that an account may use in a day (UTC); a tenth in its first hour. Must be set in production.',
  ),
} satisfies Record<string, Setting<unknown>>;
