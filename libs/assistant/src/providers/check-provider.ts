import { withDeadline } from '@edgechat/kernel';
import { APICallError } from 'ai';
import { systemCode, unreachable } from './bounded-fetch.js';
import { complaintIn } from './complaint.js';
import { isOnesOwn, OPENAI_BASE_URL, providerOf, type AiSettings } from './create-language-model.js';
import { faultOf } from './fault-of.js';
import { ProviderFault } from './provider-fault.js';
import { providerFetch } from './provider-fetch.js';

/**
 * What was found: the provider takes the key and has the model (`ready`); it takes the key, and the model is not in its list, which not every server keeps whole (`not_listed`); it was reached, and
 * what it said does not tell (`unknown`); it refuses key, credit, model, region or address, so that each answer will surely fail (`refused`); it could not be reached, or is broken (`away`).
 */
export type Finding =
  | { readonly status: 'ready' }
  | { readonly status: 'not_listed' | 'unknown' | 'refused' | 'away'; readonly fault: ProviderFault };

const CHECK_TIMEOUT_MS = 5_000;
/** The longest lists of models have some hundred thousand bytes. */
const MAX_BODY_BYTES = 4 * 1_024 * 1_024;
const ANTHROPIC_VERSION = '2023-06-01';

interface Check {
  readonly url: string;
  readonly headers: readonly [string, string][];
  /** Where the answer is a list of models: the one that has to be in it. */
  readonly listed: string | null;
}

/**
 * Asks the provider once for its model, or for its list of models: it costs nothing, and both need the key. At most 5 s. Null where there is nobody to be asked.
 * @throws what `fetch` throws once `stop` is aborted, and nothing else
 */
export async function checkProvider(
  settings: AiSettings,
  stop: AbortSignal,
  timeoutMs = CHECK_TIMEOUT_MS,
): Promise<Finding | null> {
  const check = checkOf(settings);
  if (check === null) return null;
  return withDeadline(timeoutMs, stop, async (signal) => {
    try {
      return await ask(check, signal);
    } catch (error) {
      if (stop.aborted) throw error;
      const fault = unreachable(signal.aborted ? 'TIMEOUT' : systemCode(error));
      return { status: fault.code === 'ai_misconfigured' ? 'refused' : 'away', fault };
    }
  });
}

async function ask(check: Check, signal: AbortSignal): Promise<Finding> {
  const { url, headers, listed } = check;
  const response = await providerFetch(url, { method: 'GET', headers: [...headers], signal });
  const text = await readText(response);
  if (text === null) return { status: 'unknown', fault: new ProviderFault('too_large', { status: response.status }) };
  const body = parsed(text);
  if (response.ok) return foundIn(body, listed, response.status);

  const fault = faultOf(
    new APICallError({
      message: '',
      url: '',
      requestBodyValues: {},
      statusCode: response.status,
      responseHeaders: Object.fromEntries(response.headers),
      responseBody: text,
      data: body,
    }),
  );
  return { status: isPartlyBarred(fault, body) ? 'unknown' : statusOf(fault, check), fault };
}

const NOT_ALLOWED_WORDS =
  /^(?:missing|insufficient)_?scopes?$|^insufficient_?permissions?$|^access_?token_?scope_?insufficient$/i;
const NOT_ALLOWED =
  /(?:missing|insufficient|lacks?)\b.{0,40}\b(?:scopes?|permissions?|privileges?)\b|(?:\bnot|n['’]t) have (?:\w+ ){0,4}(?:scopes?|permissions?|privileges?)\b/;

/** A key may be allowed to ask for answers, and not for models: providers say so in words of their own (OpenAI: "Missing scopes: api.model.read"). */
function isPartlyBarred({ status, misconfiguration }: ProviderFault, body: unknown): boolean {
  if ((status !== 401 && status !== 403) || isForAll(misconfiguration)) return false;
  const { words, sentences } = complaintIn(body);
  return words.some((word) => NOT_ALLOWED_WORDS.test(word)) || NOT_ALLOWED.test(sentences);
}

const isForAll = (wrong: ProviderFault['misconfiguration']): boolean => wrong === 'credit' || wrong === 'region';

/**
 * A server may have no such call (404, 405, 410, 501), and keep a list from a key that may ask (403): neither says that it will refuse to answer. Of one model only the providers themselves are known
 * to say so in their own words; a gateway in front of them says the same of a path that it does not hand on.
 */
function statusOf(fault: ProviderFault, { url, listed }: Check): Exclude<Finding['status'], 'ready'> {
  const { status, code, misconfiguration } = fault;
  const saysLittle = listed !== null || isOnesOwn(url);
  if (status === 405 || status === 501) return 'unknown';
  if (status !== null && status >= 500) return 'away';
  if (code !== 'ai_misconfigured') return 'unknown';
  if (isForAll(misconfiguration)) return 'refused';
  if (status === 404 || status === 410) return !saysLittle && misconfiguration === 'model' ? 'refused' : 'unknown';
  return status === 403 && saysLittle ? 'unknown' : 'refused';
}

function foundIn(body: unknown, listed: string | null, status: number): Finding {
  const ids = listed === null ? null : idsIn(body);
  if (listed === null && isModel(body)) return { status: 'ready' };
  if (listed === null || ids === null) return { status: 'unknown', fault: new ProviderFault('malformed', { status }) };
  if (ids.some((id) => isSame(id, listed))) return { status: 'ready' };
  return {
    status: 'not_listed',
    fault: new ProviderFault('refused', { status, reason: 'not_listed', misconfiguration: 'model' }),
  };
}

/** Ollama's `llama3` is `llama3:latest`; Gemini, asked in OpenAI's format, lists `models/gemini-…`. */
const isSame = (id: string, asked: string): boolean =>
  id === asked || id === `${asked}:latest` || id === `models/${asked}`;

/** Gemini's has a name, Anthropic's an id; a page of HTML has neither. */
const isModel = (body: unknown): boolean =>
  [member(body, 'name'), member(body, 'id')].some((word) => typeof word === 'string');

/** The ids in a list of models; null for what is none. */
function idsIn(body: unknown): string[] | null {
  const list = Array.isArray(body) ? body : member(body, 'data');
  // Ollama without any model.
  if (list === null && member(body, 'object') === 'list') return [];
  if (!Array.isArray(list)) return null;
  return list.map((one) => member(one, 'id')).filter((id) => typeof id === 'string');
}

function checkOf(settings: AiSettings): Check | null {
  const { geminiApiKey, openaiApiKey, openaiBaseUrl, anthropicApiKey } = settings;
  switch (providerOf(settings)) {
    case 'gemini': {
      const { geminiModel: model, geminiBaseUrl: base } = settings;
      if (!geminiApiKey) return null;
      const path = model.includes('/') ? model : `models/${model}`;
      return { url: `${base}/${path}`, headers: [['x-goog-api-key', geminiApiKey]], listed: null };
    }
    case 'anthropic': {
      const { anthropicModel: model, anthropicBaseUrl: base } = settings;
      if (!anthropicApiKey) return null;
      return {
        url: `${base}/models/${encodeURIComponent(model)}`,
        headers: [
          ['x-api-key', anthropicApiKey],
          ['anthropic-version', ANTHROPIC_VERSION],
        ],
        listed: null,
      };
    }
    case 'openai': {
      if (!openaiApiKey && !openaiBaseUrl) return null;
      return {
        url: `${openaiBaseUrl || OPENAI_BASE_URL}/models`,
        headers: openaiApiKey ? [['authorization', `Bearer ${openaiApiKey}`]] : [],
        listed: settings.openaiModel,
      };
    }
    default:
      return null;
  }
}

/** Null when it is longer than any list. */
async function readText(response: Response): Promise<string | null> {
  const stream: ReadableStream<Uint8Array> | null = response.body;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
