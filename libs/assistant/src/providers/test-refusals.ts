import type { AnswerFailedCode } from '../ports/language-model.js';
import type { Misconfiguration } from './refusal-table.js';

/** A refusal as a provider words it: one line has the status, the provider and the body. */
export interface KnownRefusal {
  readonly status: number;
  readonly provider: string;
  readonly body: unknown;
  readonly code: AnswerFailedCode;
  readonly misconfiguration: Misconfiguration | null;
  readonly isUnexplained: boolean;
}

function refusals(
  lines: string,
  code: AnswerFailedCode,
  { misconfiguration = null, isUnexplained = false }: Partial<KnownRefusal> = {},
): KnownRefusal[] {
  const rows = lines.trim().split('\n');
  return rows.map((row) => {
    const [, status = '', provider = '', body = ''] = /^ *(\d{3}) ([^:]+): (.*)$/.exec(row) ?? [];
    return { status: Number(status), provider, body: JSON.parse(body), code, misconfiguration, isUnexplained };
  });
}

/*
 * From the documentation of the providers and from reports of those who got them; names and numbers are made up.
 */

const CONTENT = refusals(
  String.raw`
    400 Azure: {"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}
    400 Azure by its inner word: {"error":{"innererror":{"code":"ResponsibleAIPolicyViolation"}}}
    400 LiteLLM: {"error":{"message":"litellm.BadRequestError: litellm.ContentPolicyViolationError: AzureException - The response was filtered due to the prompt triggering Azure OpenAI's content management policy","type":null,"param":null,"code":"400"}}
    400 OpenAI: {"error":{"message":"Your request was rejected by our safety system.","type":"image_generation_user_error","param":null,"code":"content_policy_violation"}}
    400 OpenAI: {"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","type":"invalid_request_error","param":null,"code":"invalid_prompt"}}
    400 Anthropic: {"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}
    403 OpenRouter: {"error":{"code":403,"message":"Input required moderation, but was flagged","metadata":{"reasons":["violence"],"flagged_input":"invalid api key"}}}
    400 DeepSeek: {"error":{"message":"Content Exists Risk","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}
    400 DeepSeek of old: {"detail":"Content Exists Risk"}
    400 Moonshot: {"error":{"message":"The request was rejected because it was considered high risk","type":"content_filter"}}
    400 MiMo: {"error":{"code":"421","message":"Moderation Block","type":"content_filter"}}
    400 Qwen: {"error":{"message":"Input data may contain inappropriate content.","type":"data_inspection_failed","param":null,"code":"data_inspection_failed"}}
    400 GLM: {"error":{"code":"1301","message":"系统检测到输入或生成内容可能包含不安全或敏感内容"}}
    403 xAI: {"code":"The caller does not have permission","error":"Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}
    400 OpenAI by its sentence: {"error":{"message":"Your request was rejected as a result of our safety system.","type":"invalid_request_error","param":null,"code":null}}
    400 a guardrail before the provider: {"detail":{"error":"Violated guardrail policy","message":"Input blocked by content safety guardrail"}}
  `,
  'ai_refused',
);

const TOO_LONG = refusals(
  String.raw`
    400 OpenAI: {"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}
    400 OpenAI: {"error":{"message":"Invalid 'messages[0].content': string too long.","type":"invalid_request_error","param":null,"code":"string_above_max_length"}}
    400 OpenAI by its sentence: {"error":{"message":"Your input exceeds the context window of this model.","type":null,"param":null,"code":null}}
    429 OpenAI: {"error":{"message":"Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Requested 40000.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}
    413 Groq: {"error":{"message":"Request too large for model \u0060llama3-70b-8192\u0060 on tokens per minute (TPM): Limit 6000, Requested 7000","type":"tokens","param":null,"code":"rate_limit_exceeded"}}
    400 Groq: {"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","param":null,"code":null}}
    400 Gemini: {"error":{"code":400,"message":"The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).","status":"INVALID_ARGUMENT","details":[]}}
    400 Gemini: {"error":{"code":400,"message":"Request payload size exceeds the limit: 20971520 bytes.","status":"INVALID_ARGUMENT","details":[]}}
    400 Anthropic: {"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}
    400 Anthropic: {"type":"error","error":{"type":"invalid_request_error","message":"input length and \u0060max_tokens\u0060 exceed context limit: 197202 + 21333 > 200000"}}
    413 Anthropic: {"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}
    400 vLLM: {"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (5000 in the messages).","type":"BadRequestError","param":null,"code":400}
    400 vLLM: {"error":{"object":"error","message":"The decoder prompt (length 5000) is longer than the maximum model length of 4096.","type":"BadRequestError","param":null,"code":400}}
    400 SGLang: {"object":"error","message":"The input (5000 tokens) is longer than the model's context length (4096 tokens).","type":"BadRequestError","param":null,"code":400}
    400 llama.cpp: {"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error","n_ctx":4096}}
    500 llama.cpp: {"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}}
    400 llama-cpp-python: {"error":{"message":"Requested tokens (516) exceed context window of 512","type":"invalid_request_error","param":null,"code":null}}
    400 LM Studio: {"error":"Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough."}
    400 Ollama: {"error":{"message":"the input length exceeds the context length","type":"api_error","param":null,"code":null}}
    400 OpenRouter with the answer behind it: {"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"This model's maximum context length is 262144 tokens.\",\"type\":\"Bad Request\",\"code\":400}}","provider_name":"Nvidia"}}}
    400 DeepSeek: {"error":{"message":"This model's maximum context length is 65536 tokens. However, you requested 70000 tokens","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}
    400 Mistral: {"object":"error","message":"Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length","type":"invalid_request_prompt","code":"3051"}
    400 xAI: {"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 537812 tokens."}
    400 Bedrock: {"message":"Input is too long for requested model."}
    400 LiteLLM: {"error":{"message":"litellm.BadRequestError: litellm.ContextWindowExceededError: AnthropicError - {\"error\":{\"message\":\"…\"}}","type":null,"param":null,"code":"400"}}
    400 Moonshot: {"error":{"message":"Invalid request: Your request exceeded model token limit: 8192","type":"invalid_request_error","param":null,"code":null}}
    400 Qwen: {"error":{"message":"Range of input length should be [1, 30720]","type":"invalid_request_error","param":null,"code":"invalid_parameter_error"}}
    422 TGI: {"error":"Input validation error: \u0060inputs\u0060 must have less than 4096 tokens. Given: 5000","error_type":"validation"}
    400 Cohere: {"message":"too many tokens: total number of tokens in the prompt cannot exceed 4081"}
    413 GitHub Models: {"error":{"message":"Request body too large for gpt-4o model. Max size: 8000 tokens.","type":null,"param":null,"code":"tokens_limit_reached"}}
    413 nginx: "<html><head><title>413 Request Entity Too Large</title></head></html>"
    400 OpenAI behind LiteLLM: {"error":{"message":"ContextWindowExceededError: OpenAIException - Input tokens exceed the configured limit of 272000 tokens.","type":null,"code":"400"}}
    400 Cerebras: {"message":"Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}
    400 TabbyAPI: {"error":{"message":"Prompt length 5000 is greater than max_seq_len 4096"}}
    400 mlx-serve: {"error":{"message":"Prompt exceeds maximum context length"}}
    400 OpenRouter: {"error":{"message":"This endpoint's maximum context length is 32768 tokens. However, you requested about 40000 tokens","code":400}}
  `,
  'ai_input_too_long',
);

const KEY = refusals(
  String.raw`
    401 OpenAI: {"error":{"message":"Incorrect API key provided: sk-ab***yz.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}
    400 Gemini: {"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}
    400 Gemini by its sentence: {"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[]}}
    403 Gemini: {"error":{"code":403,"message":"Your API key was reported as leaked. Please use another API key.","status":"PERMISSION_DENIED","details":[]}}
    403 Gemini: {"error":{"code":403,"message":"Generative Language API has not been used in project 1","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com"}]}}
    401 Anthropic: {"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}
    400 Anthropic: {"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}
    403 Anthropic: {"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource"}}
    400 xAI: {"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***ab."}
    401 vLLM: {"error":"Unauthorized"}
    401 Mistral: {"detail":"Unauthorized"}
    401 Azure: {"statusCode":401,"message":"Access denied due to invalid subscription key or wrong API endpoint."}
    401 DeepSeek: {"error":{"message":"Authentication Fails, Your api key: ****abcd is invalid","type":"authentication_error","param":null,"code":"invalid_request_error"}}
    403 Bedrock: {"message":"The security token included in the request is invalid.","__type":"com.amazon.coral.service#UnrecognizedClientException"}
    401 LiteLLM: {"error":{"message":"Authentication Error, Invalid proxy server token passed.","type":"auth_error","param":null,"code":"401"}}
    412 Fireworks: {"error":"Account x is suspended, possibly due to reaching the monthly spending limit"}
  `,
  'ai_misconfigured',
  { misconfiguration: 'key' },
);

const CREDIT = refusals(
  String.raw`
    429 OpenAI: {"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}
    429 OpenAI behind a proxy that drops the words: {"error":{"message":"You exceeded your current quota, please check your plan and billing details."}}
    429 OpenAI: {"error":{"message":"Your account is not active, please check your billing details on our website.","type":"billing_not_active","param":null,"code":"billing_not_active"}}
    400 Anthropic: {"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."}}
    400 Anthropic: {"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01."}}
    403 Gemini: {"error":{"code":403,"message":"This API method requires billing to be enabled.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"BILLING_DISABLED","domain":"googleapis.com"}]}}
    429 Gemini without a free tier: {"error":{"code":429,"message":"You exceeded your current quota.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0","status":"RESOURCE_EXHAUSTED","details":[]}}
    402 OpenRouter: {"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/credits","code":402}}
    402 DeepSeek: {"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}
    429 Moonshot: {"error":{"message":"Your account is suspended, please check your plan and billing details","type":"exceeded_current_quota_error","param":null,"code":null}}
    403 SiliconFlow: {"code":30001,"message":"Sorry, your account balance is insufficient","data":null}
    400 LiteLLM: {"error":{"message":"Budget has been exceeded! Current cost: 0.3759, Max budget: 0.35","type":"budget_exceeded","param":null,"code":"400"}}
    429 Gemini, prepaid: {"error":{"code":429,"message":"Your prepayment credits are depleted. Please go to AI Studio.","status":"RESOURCE_EXHAUSTED"}}
  `,
  'ai_misconfigured',
  { misconfiguration: 'credit' },
);

const MODEL = refusals(
  String.raw`
    404 OpenAI: {"error":{"message":"The model \u0060gpt-9\u0060 does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}
    400 OpenAI: {"error":{"message":"invalid model ID","type":"invalid_request_error","param":"model","code":null}}
    404 Gemini: {"error":{"code":404,"message":"models/gemini-9 is not found for API version v1beta","status":"NOT_FOUND","details":[]}}
    404 Anthropic: {"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}
    404 vLLM: {"object":"error","message":"The model \u0060x\u0060 does not exist.","type":"NotFoundError","param":null,"code":404}
    404 Ollama: {"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error"}}
    400 LM Studio: {"error":"No models loaded. Please load a model in the developer page or use the \u0060lms load\u0060 command."}
    400 Groq: {"error":{"message":"The model \u0060x\u0060 has been decommissioned and is no longer supported.","type":"invalid_request_error","param":null,"code":"model_decommissioned"}}
    404 Azure: {"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}
    400 Mistral: {"object":"error","message":"Invalid model: x","type":"invalid_model","param":null,"code":"1500"}
    400 DeepSeek: {"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}
    404 OpenRouter: {"error":{"message":"No endpoints found for x/y.","code":404}}
    400 LiteLLM: {"error":{"message":"400: {'error': 'Invalid model name passed in model=x'}","type":"None","param":null,"code":400}}
    404 Ollama of old: {"error":"model 'x' not found"}
    404 NVIDIA: {"status":404,"title":"Not Found","detail":"Model x: Not found for account 1"}
  `,
  'ai_misconfigured',
  { misconfiguration: 'model' },
);

const REGION = refusals(
  String.raw`
    403 OpenAI: {"error":{"message":"Country, region, or territory not supported","type":"request_forbidden","param":null,"code":"unsupported_country_region_territory"}}
    400 Gemini: {"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION","details":[]}}
  `,
  'ai_misconfigured',
  { misconfiguration: 'region' },
);

const URL = refusals(
  String.raw`
    404 a path that is not there: {"detail":"Not Found"}
    404 OpenAI: {"error":{"message":"Invalid URL (POST /v1/v1/chat/completions)","type":"invalid_request_error","param":null,"code":null}}
    405 nginx: "<html><h1>405 Not Allowed</h1></html>"
    308 a redirect: ""
  `,
  'ai_misconfigured',
  { misconfiguration: 'url' },
);

const QUOTA = refusals(
  String.raw`
    429 Gemini: {"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[]}}
    429 Vertex behind OpenRouter: {"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"[{\"error\":{\"code\":429,\"message\":\"Resource exhausted.\",\"status\":\"RESOURCE_EXHAUSTED\"}}]"}}}
    429 OpenAI: {"error":{"message":"Rate limit reached for gpt-4 on tokens per min (TPM): Limit 10000. Please try again in 6s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}
    429 Anthropic: {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit"}}
    429 Mistral: {"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}
    429 Azure: {"error":{"code":"429","message":"Requests have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 6 seconds."}}
    429 Bedrock: {"message":"Too many tokens, please wait before trying again."}
    429 a bare proxy: "Too Many Requests"
    403 Google of old: {"error":{"code":403,"message":"Rate Limit Exceeded","status":"PERMISSION","details":[{"reason":"rateLimitExceeded"}]}}
  `,
  'ai_quota_exceeded',
);

const OVERLOADED = refusals(
  String.raw`
    429 OpenAI: {"error":{"message":"The engine is currently overloaded, please try again later","type":"engine_overloaded","param":null,"code":null}}
    429 Moonshot: {"error":{"message":"The engine is currently overloaded","type":"engine_overloaded_error","param":null,"code":null}}
    429 Mistral: {"object":"error","message":"Service tier capacity exceeded for this model.","type":"invalid_request_error","code":null}
    429 TGI: {"error":"Model is overloaded","error_type":"overloaded"}
    503 Gemini: {"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE","details":[]}}
    529 Anthropic: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}
    500 OpenAI: {"error":{"message":"That model is currently overloaded with other requests.","type":"server_error","param":null,"code":null}}
    503 llama.cpp: {"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}
    503 Ollama: {"error":"server busy, please try again. maximum pending requests exceeded"}
    498 Groq: {"error":{"message":"Flex tier capacity exceeded","type":"invalid_request_error","param":null,"code":"capacity_exceeded"}}
    503 Azure: {"error":{"code":"NoCapacity","message":"The system is currently experiencing high demand."}}
  `,
  'ai_overloaded',
);

const FAILED = refusals(
  String.raw`
    500 Anthropic: {"type":"error","error":{"type":"api_error","message":"Internal server error"}}
    502 a gateway: "<html>Bad Gateway</html>"
    504 Gemini: {"error":{"code":504,"message":"Deadline expired before operation could complete.","status":"DEADLINE_EXCEEDED","details":[]}}
  `,
  'ai_failed',
);

const UNEXPLAINED = refusals(
  String.raw`
    400 OpenAI: {"error":{"message":"Unsupported value: 'messages[0].role' does not support 'system' with this model.","type":"invalid_request_error","param":"messages[0].role","code":"unsupported_value"}}
    400 Gemma: {"error":{"code":400,"message":"Developer instruction is not enabled for models/gemma-3-27b-it","status":"INVALID_ARGUMENT","details":[]}}
    400 vLLM: {"object":"error","message":"Conversation roles must alternate user/assistant/user/assistant/...","type":"BadRequestError","param":null,"code":400}
    400 vLLM: {"object":"error","message":"System role not supported","type":"BadRequestError","param":null,"code":400}
    500 llama.cpp: {"error":{"code":500,"message":"Jinja Exception: System role not supported at row 1","type":"server_error"}}
    400 DeepSeek: {"error":{"message":"deepseek-reasoner does not support successive user or assistant messages (messages[1] and messages[2] in your input).","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}
    422 Mistral: {"detail":[{"type":"value_error","loc":["body","messages"],"msg":"Expected last role User"}]}
    400 Anthropic: {"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for claude-3"}}
    400 nobody: ""
  `,
  'ai_failed',
  { isUnexplained: true },
);

export const KNOWN_REFUSALS: readonly KnownRefusal[] = [
  CONTENT,
  TOO_LONG,
  KEY,
  CREDIT,
  MODEL,
  REGION,
  URL,
  QUOTA,
  OVERLOADED,
  FAILED,
  UNEXPLAINED,
].flat();
