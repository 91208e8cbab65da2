import type { AnswerFailedCode } from '../ports/language-model.js';
import type { Complaint } from './complaint.js';
import { doubtsOf, type Doubts } from './doubts.js';

/** Which of the operator's settings a provider refuses. For the log only. */
export type Misconfiguration = 'key' | 'credit' | 'model' | 'region' | 'url';

export type Meaning = 'content' | 'too_long' | 'overloaded' | 'quota' | Misconfiguration;

export interface Judgement extends Doubts {
  readonly code: AnswerFailedCode;
  readonly misconfiguration: Misconfiguration | null;
  /** The provider's word that decided; null where the status or a sentence did. */
  readonly word: string | null;
}

interface Rule {
  readonly meaning: Meaning;
  /** Codes, types and reasons, compared without regard to case and to what is no letter. */
  readonly words: ReadonlySet<string>;
  /** What the sentences say, in small letters: only for what providers give no word for. */
  readonly sentences: RegExp;
  /** Where sentences count. A sentence can repeat a prompt: one that has nothing to do with the status decides nothing. */
  readonly sentencesAt: (status: number | null) => boolean;
  /** A status that says it, whatever else is said. */
  readonly status?: number;
}

const plain = (word: string): string => word.replace(/[^A-Za-z0-9]/g, '').toLowerCase();
const wordsOf = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/).map(plain));
const at =
  (...statuses: readonly (number | null)[]) =>
  (status: number | null): boolean =>
    statuses.includes(status);
const atRequest = (status: number | null): boolean => status === null || (status >= 400 && status < 500);

/** Where a sentence about keys, accounts and credit counts. With other statuses providers repeat what a person wrote. */
const atTheDoor = at(401, 402, 403, 429);

const NO_WORDS: ReadonlySet<string> = new Set();
const NO_SENTENCE = /^\b$/;

/** The first rule that fits decides; the surest stand first. Each sentence is of a provider's own (see refusal-table.spec.ts). */
const RULES: readonly Rule[] = [
  {
    meaning: 'credit',
    words: wordsOf(`insufficient_quota billing_not_active billing_hard_limit_reached exceeded_current_quota_error
      billing_error billing_disabled payment_required insufficient_balance insufficient_credits insufficient_funds
      credit_balance_too_low arrearage account_overdue_error AccountOverdueError budget_exceeded BudgetExceededError
      spend_limit_exceeded usage_limit_reached out_of_credits base_resp_1008`),
    sentences: NO_SENTENCE,
    sentencesAt: at(),
    status: 402,
  },
  {
    meaning: 'key',
    words: wordsOf(`account_deactivated organization_restricted consumer_suspended account_suspended
      api_key_invalid invalid_api_key incorrect_api_key_error`),
    sentences:
      /(?:organization|account|team|project|api key|key)\b.{0,60}(?:has been|is|was) (?:disabled|deactivated|suspended|blocked|reported as leaked)/,
    sentencesAt: atTheDoor,
  },
  {
    // Whole sentences of xAI, Gemini, Anthropic and Fireworks, with which what they say begins: nothing of a person's stands before them.
    meaning: 'key',
    words: NO_WORDS,
    sentences:
      /^(?:incorrect api key provided: \S|api key not valid\. please pass a valid api key\.|this organization has been disabled\.$|account \S+ is suspended, possibly due to)/,
    sentencesAt: atRequest,
  },
  {
    // Anthropic's.
    meaning: 'credit',
    words: NO_WORDS,
    sentences: /^(?:your credit balance is too low to access the|you have reached your specified api usage limits\.)/,
    sentencesAt: at(400),
  },
  {
    meaning: 'content',
    words: wordsOf(`content_filter content_filtered content_policy_violation ContentPolicyViolationError
      ResponsibleAIPolicyViolation policy_violation safety_violation
      content_blocked unsafe_content content_moderation moderation_blocked moderation_error safety safety_error refusal
      prohibited_content blocklist spii recitation image_safety language data_inspection_failed sensitive_content_detected
      InputTextSensitiveContentDetected OutputTextSensitiveContentDetected SensitiveContentDetected sensitive
      guardrail_intervened guardrail_violation jailbreak cyber_policy_violation base_resp_1026 base_resp_1027`),
    sentences:
      /content exists risk|considered high risk|moderation,? but was flagged|flagged (?:as|by|for)|(?:output|content|prompt|input|request|response) (?:was |is |has been )?(?:blocked|filtered|rejected) (?:by|due|because|for|as a result).{0,60}(?:content|safety|policy|filter|guardrail|moderation)|content (?:management|filtering) policy|violat\w+ (?:of )?(?:our |the |openai's |\w+'s )?(?:\w+ )?(?:content|safety|usage|acceptable use) (?:policy|policies|guidelines)|(?:inappropriate|sensitive|unsafe|harmful) content|contentpolicyviolation|responsibleaipolicyviolation|moderation block|敏感|不安全/,
    sentencesAt: at(null, 400, 403, 421, 422, 451, 500),
  },
  {
    meaning: 'too_long',
    words: wordsOf(`context_length_exceeded string_above_max_length exceed_context_size_error request_too_large
      ContextWindowExceededError context_window_exceeded array_above_max_length model_context_window_exceeded tokens_limit_reached
      prompt_too_long input_too_long payload_too_large request_entity_too_large
      context_length_error input_length_exceeded`),
    sentences:
      /(?:maximum|model'?s?|available|max) context (?:length|window|size)|context (?:length|window|size|limit)\b.{0,60}(?:exceed|overflow|too (?:long|small)|less than|only|full)|(?:exceed|longer|larger|greater|more|too large|too long).{0,80}(?:context (?:length|window|size|limit)|model length|max_seq_len|maximum (?:number of (?:input )?tokens|input length|prompt length|sequence length))|context the overflows|(?:prompt|input|messages?|request|text) (?:is |are |was )?too long|maximum prompt length|input (?:length|tokens?|token count).{0,60}(?:exceed|longer|too)|token limit|\bn_ctx\b|sequence length is longer|reduce the length of the (?:messages|prompt|input)|payload size exceeds|range of input length|string too long|too many (?:input |prompt )?tokens|must have less than \d+ tokens|`inputs` tokens|contextwindowexceeded|超长|超过.{0,20}长度/,
    sentencesAt: at(null, 400, 422, 500),
    status: 413,
  },
  {
    // A request that is larger than a whole minute's quota never fits, however long one waits.
    meaning: 'too_long',
    words: NO_WORDS,
    sentences: /request too large for|extra usage is required for long context/,
    sentencesAt: at(429),
  },
  {
    meaning: 'credit',
    words: NO_WORDS,
    sentences:
      /credit balance|insufficient (?:account )?(?:balance|credits?|funds|quota)|balance is (?:insufficient|too low|not enough)|(?:any|enough|more|no|out of) credits|credits? (?:are|is|have been|has been) (?:depleted|exhausted|used up)|spend(?:ing)? (?:limit|cap)|past due|overdue|check your billing|billing details and|account is not active|specified api usage limits|budget has been exceeded|over budget|exceeded budget|crossed budget|good standing|requires a? ?paid|quota exceeded for metric[^\n]*limit: 0(?!\d)|余额不足|欠费/,
    sentencesAt: atTheDoor,
  },
  {
    meaning: 'quota',
    words: wordsOf('resource_exhausted'),
    sentences: NO_SENTENCE,
    sentencesAt: at(),
  },
  {
    meaning: 'credit',
    words: NO_WORDS,
    // OpenAI's sentence for no credit is Gemini's for a minute's quota, which then says more.
    sentences:
      /^(?![^]*(?:resource_exhausted|rate.?limits?\b|retry in|try again))[^]*exceeded your current quota, please check your plan and billing/,
    sentencesAt: at(429),
  },
  {
    meaning: 'region',
    words: wordsOf(`unsupported_country_region_territory location_policy_violated location_tax_policy_violated
      user_location_not_supported region_not_supported`),
    sentences:
      /user location is not supported|country, region,? or territory|not (?:available|supported) in your (?:country|region|location)|unsupported (?:country|region|location)/,
    sentencesAt: atRequest,
    status: 451,
  },
  {
    meaning: 'model',
    words:
      wordsOf(`model_not_found deployment_not_found DeploymentNotFound invalid_model unknown_model model_decommissioned
      model_not_available model_not_supported ModelNotOpen ModelNotReady not_found_error NotFoundError not_found
      resource_not_found_error InvalidEndpointOrModel.NotFound model_deprecated param_model`),
    sentences:
      /model\b.{0,100}(?:does not exist|not exist|not found|not a valid model|decommissioned|is not available|no longer available)|not a valid model|(?:invalid|unknown) model\b|no models? loaded|no (?:allowed providers|endpoints found)|not a chat model|try pulling it|on-demand throughput isn/,
    sentencesAt: at(null, 400, 403, 404, 422, 500),
  },
  {
    meaning: 'key',
    words: wordsOf(`authentication_error AuthenticationError invalid_authentication_error unauthorized unauthenticated
      auth_error token_not_found_in_db permission_error permission_denied PERMISSION_DENIED permission_denied_error
      insufficient_permissions access_denied AccessDeniedException UnrecognizedClientException ExpiredTokenException
      api_key_service_blocked api_key_http_referrer_blocked api_key_ip_address_blocked api_key_android_app_blocked
      api_key_ios_app_blocked service_disabled consumer_invalid access_token_expired credentials_missing
      user_project_denied invalid_organization mismatched_organization ip_not_authorized expired_api_key
      missing_api_key no_api_key base_resp_1004 base_resp_2049`),
    sentences:
      /(?:invalid|incorrect|missing|wrong|expired|revoked|no) (?:x-api-key|proxy server token|(?:api|access|subscription|auth\w*)[ _-]?(?:key|token))|api[ _-]?key (?:is )?(?:not valid|not found|expired|invalid|missing|required)|didn't provide an api key|bad credentials|authentication fails|invalid authentication|credential is only authorized|unauthorized/,
    sentencesAt: atTheDoor,
  },
  {
    // LM Studio answers a path that it does not know with 200.
    meaning: 'url',
    words: NO_WORDS,
    sentences: /unexpected endpoint or method|invalid url \(|unknown (?:request )?(?:url|path|endpoint)/,
    sentencesAt: at(null, 400, 404),
  },
  {
    meaning: 'model',
    words: NO_WORDS,
    sentences: /\b(?:model|deployment)s?\b/,
    sentencesAt: at(404),
  },
  {
    meaning: 'overloaded',
    words:
      wordsOf(`overloaded_error overloaded engine_overloaded engine_overloaded_error server_overloaded ServerOverloaded
      service_tier_capacity_exceeded capacity_exceeded NoCapacity insufficient_capacity queue_exceeded slow_down
      unavailable unavailable_error service_unavailable ServiceUnavailableException ModelNotReadyException
      insufficient_system_resource`),
    sentences:
      /overloaded|(?:over|at|no|exceed\w*|insufficient|out of) (?:\w+ )?capacity|capacity exceeded|high (?:demand|load|traffic)|server (?:is )?busy|temporarily unavailable|loading model|is (?:currently )?loading|负载|繁忙/,
    sentencesAt: (status) => status === null || status === 429 || status >= 500,
  },
  {
    meaning: 'quota',
    words: wordsOf(`rate_limit_error rate_limit_exceeded RateLimitExceeded RateLimitError rate_limited RateLimitReached
      rate_limit_reached_error user_rate_limit_exceeded quota_exceeded QuotaExceeded too_many_requests
      throttling ThrottlingException TooManyRequestsException ServiceQuotaExceededException token_quota_exceeded
      request_quota_exceeded throttling_error base_resp_1002 base_resp_1039 base_resp_1041`),
    sentences: /rate limit|too many requests|quota/,
    sentencesAt: at(null, 429),
  },
  {
    meaning: 'region',
    words: wordsOf('failed_precondition'),
    sentences: NO_SENTENCE,
    sentencesAt: at(),
  },
];

/** What a status means of which no word and no sentence says more. 404 without a model's name is a path that is not there. */
const STATUS_MEANINGS: Readonly<Record<number, Meaning>> = {
  401: 'key',
  403: 'key',
  404: 'url',
  405: 'url',
  410: 'model',
  421: 'url',
  426: 'url',
  429: 'quota',
  498: 'overloaded',
  501: 'url',
  503: 'overloaded',
  529: 'overloaded',
};

const CODES: Readonly<Partial<Record<Meaning, AnswerFailedCode>>> = {
  content: 'ai_refused',
  too_long: 'ai_input_too_long',
  overloaded: 'ai_overloaded',
  quota: 'ai_quota_exceeded',
};

/**
 * What a refusal is for those who asked: decided by the provider's words, then by its sentences, then by the status. Nothing
 * of what the provider wrote is in the result but its word.
 * @param status what HTTP says, or for an error in an answer of 200 what the body says; null where neither says anything
 */
export function judge({ words, sentences }: Complaint, status: number | null): Judgement {
  const rule = RULES.find((candidate) => fits(candidate, words, sentences, status));
  const word = rule === undefined ? undefined : words.find((candidate) => hasWord(rule, candidate));
  const meaning = rule?.meaning ?? meaningOfStatus(status);

  return {
    code: meaning === null ? 'ai_failed' : (CODES[meaning] ?? 'ai_misconfigured'),
    misconfiguration: meaning === null ? null : misconfigurationOf(meaning),
    word: word ?? null,
    ...doubtsOf({ meaning, isNamed: word !== undefined, status, sentences }),
  };
}

/** Whether a word is one of those that decide something here. */
export function isWordOfTable(word: string): boolean {
  return RULES.some((rule) => hasWord(rule, word));
}

function fits(rule: Rule, words: readonly string[], sentences: string, status: number | null): boolean {
  if (rule.status === status && status !== null) return true;
  if (words.some((word) => hasWord(rule, word))) return true;
  return rule.sentencesAt(status) && rule.sentences.test(sentences);
}

/** Of `com.amazon.coral#ThrottlingException` what stands after the sign counts. */
function hasWord(rule: Rule, word: string): boolean {
  return rule.words.has(plain(word.slice(word.lastIndexOf('#') + 1)));
}

function meaningOfStatus(status: number | null): Meaning | null {
  if (status !== null && status >= 300 && status < 400) return 'url';
  return status === null ? null : (STATUS_MEANINGS[status] ?? null);
}

function misconfigurationOf(meaning: Meaning): Misconfiguration | null {
  switch (meaning) {
    case 'content':
    case 'too_long':
    case 'overloaded':
    case 'quota':
      return null;
    default:
      return meaning;
  }
}
