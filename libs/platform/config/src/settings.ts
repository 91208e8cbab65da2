import { z } from 'zod';
import {
  databaseUrl,
  httpUrl,
  isAddressRange,
  limit,
  list,
  numberOrUnlimited,
  origins,
  redisUrl,
  text,
  tokenSecret,
  urlOfStore,
  wholeNumber,
} from './setting-values.js';

export type ProcessName = 'api' | 'worker';

export interface Setting<Value> {
  /** What the setting means, in one sentence with its unit; stands in `.env.example`. */
  readonly doc: string;
  readonly usedBy: readonly ProcessName[];
  /** The text that stands for "unset"; undefined when there is no default. */
  readonly fallback: string | undefined;
  /** A secret may come from a file too, whose path is in `<NAME>_FILE`. */
  readonly isSecret: boolean;
  readonly parse: z.ZodType<Value, string>;
}

const BOTH = ['api', 'worker'] as const;
const API = ['api'] as const;
const WORKER = ['worker'] as const;

const setting = <Value>(
  usedBy: readonly ProcessName[],
  fallback: string | undefined,
  parse: z.ZodType<Value, string>,
  doc: string,
): Setting<Value> => ({ doc, usedBy, fallback, isSecret: false, parse });
const secret = <Value>(...args: Parameters<typeof setting<Value>>): Setting<Value> => ({
  ...setting(...args),
  isSecret: true,
});

/** Every variable that a process reads, in the order of `.env.example`. */
export const SETTINGS = {
  APP_ENV: setting(
    BOTH,
    'development',
    z.enum(['development', 'production']),
    '`production` asks for what a public server must have: JWT_SECRET, a real AI provider, CORS_ORIGINS other than *, AI_TOKENS_PER_DAY.',
  ),
  APP_NAME: setting(BOTH, 'EdgeChat', text, 'The name that `GET /` tells, and that nobody may have as a password.'),
  LOG_LEVEL: setting(
    BOTH,
    'info',
    z.enum(['debug', 'info', 'warn', 'error']),
    'The least important log lines to write: debug, info, warn or error.',
  ),
  HOST: setting(API, '0.0.0.0', text, 'The address the API listens on.'),
  PORT: setting(API, '8000', wholeNumber(0, 65_535), 'The port the API listens on.'),
  WORKER_HEALTH_PORT: setting(
    WORKER,
    '8001',
    wholeNumber(0, 65_535),
    "The loopback port of the worker's health calls; `npm start` takes any free one unless this is set.",
  ),
  DATABASE_URL: secret(
    BOTH,
    'postgresql://edgechat:edgechat@127.0.0.1:5432/edgechat',
    databaseUrl,
    'PostgreSQL, 15 or newer.',
  ),
  DATABASE_POOL_MAX: setting(BOTH, '10', wholeNumber(2, 200), 'Connections to PostgreSQL a process may hold.'),
  MONGODB_URL: secret(
    BOTH,
    'mongodb://127.0.0.1:27017/edgechat',
    urlOfStore('mongodb', 'mongodb+srv'),
    'MongoDB, 6 or newer; database `edgechat` unless the URL names one.',
  ),
  REDIS_URL: secret(
    BOTH,
    'redis://127.0.0.1:6379/0',
    redisUrl,
    'Redis, 6.2 or newer, with maxmemory-policy noeviction.',
  ),
  JWT_SECRET: secret(
    API,
    undefined,
    tokenSecret,
    'Signs tokens; 32 bytes or more. Unset: made once and kept in PostgreSQL. Required in production.',
  ),
  JWT_SECRET_PREVIOUS: secret(
    API,
    undefined,
    tokenSecret,
    'A second secret whose tokens are accepted while JWT_SECRET is replaced (docs/deploy.md says how); 32 bytes or more.',
  ),
  JWT_ALGORITHM: setting(API, 'HS256', z.literal('HS256'), 'Only HS256.'),
  JWT_ACCESS_EXPIRE_MINUTES: setting(API, '15', wholeNumber(1, 1_440), 'Life of an access token, in minutes.'),
  JWT_REFRESH_EXPIRE_DAYS: setting(API, '7', wholeNumber(1, 365), 'Life of a refresh token, in days.'),
  SESSION_MAX_DAYS: setting(
    API,
    '365',
    numberOrUnlimited(1, 36_500),
    'Days after its login that a session ends, however often it is refreshed, or unlimited.',
  ),
  CORS_ORIGINS: setting(
    API,
    '*',
    origins,
    'Origins that browsers may call from, such as https://chat.example.com, comma-separated, or *.',
  ),
  RATE_LIMIT_REQUESTS: setting(API, '100', limit(10_000_000), 'Requests an account (or address) may make in a window.'),
  RATE_LIMIT_WINDOW_SECONDS: setting(API, '60', wholeNumber(1, 86_400), 'Length of that window, in seconds.'),
  RATE_LIMIT_ADDRESS_FACTOR: setting(
    API,
    '10',
    limit(10_000),
    'Requests that all accounts younger than 7 days at one address may make together in a window, in multiples of RATE_LIMIT_REQUESTS.',
  ),
  REGISTRATION: setting(
    API,
    'open',
    z.enum(['open', 'closed', 'invite']),
    'Who may make an account: everybody (open), nobody (closed), or who has a code that `admin invite` made (invite).',
  ),
  REGISTRATIONS_PER_HOUR: setting(
    API,
    '30',
    limit(1_000_000),
    'Accounts that may be made from one address in an hour; of IPv6 from a /64, 4 times as many from its /56, 16 times from its /48.',
  ),
  REGISTRATIONS_PER_DAY: setting(API, '200', limit(1_000_000), 'The same for a day.'),
  TRUSTED_PROXIES: setting(
    API,
    '',
    list.refine((items) => items.every(isAddressRange), 'must be IP addresses or CIDR ranges, comma-separated'),
    'Proxies whose X-Forwarded-For is believed: addresses or CIDR ranges, comma-separated.',
  ),
  FAN_OUT_WRITE_LIMIT: setting(
    BOTH,
    '500',
    wholeNumber(1, 10_000),
    'Members above which a conversation writes no inbox rows any more and is ordered when inboxes are read, for good.',
  ),
  SEND_QUEUE_LIMIT: setting(API, '1000', limit(100_000), 'Sends that may wait in one process before it answers 503.'),
  TEXT_MB_PER_DAY: setting(
    BOTH,
    '50',
    limit(1_000_000_000),
    'MiB of texts, and of what they take in the search index, that an account may add in a day (UTC).',
  ),
  STRANGERS_PER_DAY: setting(
    API,
    '10000',
    limit(1_000_000),
    'Accounts that never wrote in a conversation with it which an account may add to groups, or open a `direct` with, in a day (UTC); a tenth in its first week, 50 in its first hour.',
  ),
  READS_MB: setting(BOTH, '32', limit(1_000_000), 'MiB of messages that a process reads from MongoDB at once.'),
  BODIES_MB: setting(API, '64', limit(1_000_000), 'MiB of request bodies that a process takes in at once.'),
  UNFINISHED_BODIES_PER_ADDRESS: setting(
    API,
    '50',
    limit(1_000_000),
    'Bodies without a valid access token that one address may be sending to a process at once.',
  ),
  ANSWERS_MB: setting(API, '64', limit(1_000_000), 'MiB of answers that a process holds for clients that read slowly.'),
  ANSWERS_MB_PER_ACCOUNT: setting(
    API,
    '16',
    limit(1_000_000),
    'MiB of those answers for one account (or address); one answer is always given.',
  ),
  TRANSFER_BYTES_PER_SECOND_MIN: setting(
    API,
    '1024',
    wholeNumber(1, 1_000_000),
    'Bytes a second, over 30 s, that a client must send of a body or take of an answer; a slower one is disconnected.',
  ),
  SEARCHES_AT_ONCE: setting(API, '6', limit(10_000), 'Searches that a process makes at once.'),
  SEARCHES_AT_ONCE_PER_ACCOUNT: setting(API, '2', limit(10_000), 'Searches that it makes at once for one account.'),
  SEARCH_POOL_MAX: setting(
    API,
    '6',
    wholeNumber(1, 200),
    'Connections to PostgreSQL that searches have for themselves.',
  ),
  SEARCH_TIMEOUT_MS: setting(
    API,
    '2000',
    wholeNumber(100, 4_500),
    'Time that PostgreSQL may take for one search, in milliseconds.',
  ),
  SEARCH_WAIT_MS: setting(
    API,
    '2000',
    wholeNumber(0, 60_000),
    'Longest that a search waits for its turn before it is answered 429, in milliseconds.',
  ),
  SEARCH_READ_KB: setting(
    API,
    '2000',
    limit(1_000_000),
    'Thousands of bytes of texts that one page of a search reads; then it ends, with a cursor.',
  ),
  SEARCH_TERMS_KIB: setting(
    WORKER,
    '256',
    wholeNumber(0, 900),
    'KiB of terms of one message in the search index; what is beyond is not found.',
  ),
  DRAIN_TIMEOUT_MS: setting(
    BOTH,
    '10000',
    wholeNumber(0, 600_000),
    'How long a stopping process lets open work end, in milliseconds.',
  ),
  AI_TIMEOUT_MS: setting(
    BOTH,
    '60000',
    wholeNumber(1_000, 3_600_000),
    'Time an answer may take, queueing and retries included, in milliseconds.',
  ),
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
  GEMINI_API_KEY: secret(WORKER, undefined, text, 'Key of the Gemini API.'),
  GEMINI_MODEL: setting(WORKER, 'gemini-2.5-flash', text, "Gemini's model."),
  GEMINI_BASE_URL: setting(
    WORKER,
    'https://generativelanguage.googleapis.com/v1beta',
    httpUrl,
    'Base URL of the Gemini API.',
  ),
  OPENAI_API_KEY: secret(
    WORKER,
    undefined,
    text,
    'Key of an OpenAI-compatible server; servers without keys need OPENAI_BASE_URL only.',
  ),
  OPENAI_MODEL: setting(WORKER, 'gpt-4o-mini', text, "The OpenAI-compatible server's model."),
  OPENAI_BASE_URL: setting(
    WORKER,
    undefined,
    httpUrl,
    'Base URL of an OpenAI-compatible server (Ollama, vLLM, OpenRouter), ending in /v1. Unset: OpenAI itself.',
  ),
  ANTHROPIC_API_KEY: secret(WORKER, undefined, text, 'Key of the Anthropic API.'),
  ANTHROPIC_MODEL: setting(WORKER, 'claude-sonnet-4-5', text, "Anthropic's model."),
  ANTHROPIC_BASE_URL: setting(
    WORKER,
    'https://api.anthropic.com/v1',
    httpUrl,
    'Base URL of the Anthropic API, ending in /v1.',
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

export type SettingName = keyof typeof SETTINGS;
