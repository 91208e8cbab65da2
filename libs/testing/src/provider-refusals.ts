import type { WireName } from './provider-wire.js';

/** Why a provider refuses, in the three ways that they say it. The bodies are true ones, but for names and numbers. */
export const REFUSALS = ['content', 'too_long', 'key', 'credit', 'model', 'region', 'overloaded', 'quota'] as const;
export type RefusalName = (typeof REFUSALS)[number];

export interface ProviderRefusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

const openai = (message: string, type: string, code: string | null): object => ({
  error: { message, type, param: null, code },
});
const google = (code: number, status: string, message: string, ...details: object[]): object => ({
  error: { code, message, status, ...(details.length > 0 && { details }) },
});
const anthropic = (type: string, message: string): object => ({
  type: 'error',
  error: { type, message },
  request_id: 'req_provider_server',
});
const errorInfo = (reason: string): object => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'googleapis.com',
});
const QUOTA = 'You exceeded your current quota, please check your plan and billing details.';

const GEMINI: Readonly<Record<RefusalName, ProviderRefusal>> = {
  content: {
    status: 200,
    body: {
      promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
      usageMetadata: { promptTokenCount: 7, totalTokenCount: 7 },
    },
  },
  too_long: {
    status: 400,
    body: google(
      400,
      'INVALID_ARGUMENT',
      'The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).',
    ),
  },
  key: {
    status: 400,
    body: google(
      400,
      'INVALID_ARGUMENT',
      'API key not valid. Please pass a valid API key.',
      errorInfo('API_KEY_INVALID'),
    ),
  },
  credit: {
    status: 403,
    body: google(403, 'PERMISSION_DENIED', 'This API method requires billing.', errorInfo('BILLING_DISABLED')),
  },
  model: { status: 404, body: google(404, 'NOT_FOUND', 'models/m is not found for API version v1beta.') },
  region: {
    status: 400,
    body: google(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'),
  },
  overloaded: { status: 503, body: google(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.') },
  quota: {
    status: 429,
    body: google(429, 'RESOURCE_EXHAUSTED', QUOTA, {
      '@type': 'type.googleapis.com/google.rpc.RetryInfo',
      retryDelay: '7.5s',
    }),
  },
};

const OPENAI: Readonly<Record<RefusalName, ProviderRefusal>> = {
  content: {
    status: 400,
    body: openai(
      'The response was filtered due to our content management policy.',
      'invalid_request_error',
      'content_filter',
    ),
  },
  too_long: {
    status: 400,
    body: openai(
      "This model's maximum context length is 4096 tokens.",
      'invalid_request_error',
      'context_length_exceeded',
    ),
  },
  key: { status: 401, body: openai('Incorrect API key provided: sk-***.', 'invalid_request_error', 'invalid_api_key') },
  credit: { status: 429, body: openai(QUOTA, 'insufficient_quota', 'insufficient_quota') },
  model: { status: 404, body: openai('The model `m` does not exist.', 'invalid_request_error', 'model_not_found') },
  region: {
    status: 403,
    body: openai(
      'Country, region, or territory not supported',
      'request_forbidden',
      'unsupported_country_region_territory',
    ),
  },
  overloaded: { status: 503, body: openai('The engine is currently overloaded.', 'server_error', null) },
  quota: {
    status: 429,
    headers: { 'retry-after-ms': '7500', 'retry-after': '8' },
    body: openai('Rate limit reached on requests per min (RPM): Limit 3.', 'requests', 'rate_limit_exceeded'),
  },
};

const ANTHROPIC: Readonly<Record<RefusalName, ProviderRefusal>> = {
  content: {
    status: 200,
    body: {
      id: 'msg_provider_server',
      type: 'message',
      role: 'assistant',
      content: [],
      stop_reason: 'refusal',
      usage: { input_tokens: 7, output_tokens: 0 },
    },
  },
  too_long: {
    status: 400,
    body: anthropic('invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum'),
  },
  key: { status: 401, body: anthropic('authentication_error', 'invalid x-api-key') },
  credit: {
    status: 400,
    body: anthropic('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
  },
  model: { status: 404, body: anthropic('not_found_error', 'model: m') },
  region: { status: 451, body: anthropic('forbidden', 'Access from this region is not allowed') },
  overloaded: { status: 529, body: anthropic('overloaded_error', 'Overloaded') },
  quota: {
    status: 429,
    headers: { 'retry-after': '7.5' },
    body: anthropic('rate_limit_error', "This request would exceed your organization's rate limit."),
  },
};

const BY_WIRE: Readonly<Record<WireName, Readonly<Record<RefusalName, ProviderRefusal>>>> = {
  gemini: GEMINI,
  openai: OPENAI,
  anthropic: ANTHROPIC,
};

/** How the provider of `wire` says it. */
export function providerRefusal(wire: WireName, name: RefusalName): ProviderRefusal {
  return BY_WIRE[wire][name];
}

const GOOGLE_WORDS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};
const OPENAI_WORDS: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'invalid_api_key',
  404: 'model_not_found',
  429: 'rate_limit_exceeded',
};
const ANTHROPIC_WORDS: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** The word that the provider of `wire` has for a status. */
export function providerWord(wire: WireName, status: number): string {
  switch (wire) {
    case 'gemini':
      return GOOGLE_WORDS[status] ?? 'INTERNAL';
    case 'openai':
      return OPENAI_WORDS[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
    case 'anthropic':
      return ANTHROPIC_WORDS[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  }
}
