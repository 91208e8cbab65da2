import { countTokens, TOKEN_MAX_BYTES } from '../domain/count-tokens.js';
import { complaintIn } from './complaint.js';
import { streamedEvents } from './event-stream.js';
import { faultOfError } from './fault-of.js';
import { isLoggable } from './known-words.js';
import { ProviderFault } from './provider-fault.js';
import type { Spent } from './provider-fault.js';
import { finishReasonOf, joined } from './reading.js';
import type { AnswerFormat, Reading } from './reading.js';
import { judge } from './refusal-table.js';
import { NO_USAGE } from './reported-usage.js';
import type { ReportedUsage } from './reported-usage.js';
import { isInvisible } from './storable-text.js';
import { parsedOrUndefined, unwrapped } from './unknown-json.js';
import { ANTHROPIC_FORMAT } from './wire-anthropic.js';
import { GEMINI_FORMAT } from './wire-gemini.js';
import { OPENAI_FORMAT } from './wire-openai.js';

/** An answer of 100,000 code points has fewer: reading more would hold up everybody's answers. */
const MAX_EVENTS = 30_000;

const FORMATS: readonly AnswerFormat[] = [OPENAI_FORMAT, GEMINI_FORMAT, ANTHROPIC_FORMAT];

/** An answer with status 200 to 299 as it came, read to its end. */
export interface ReceivedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * What an answer says. Whatever is JSON came whole: if it holds a text that can be seen, in whichever form, that is the answer.
 * @throws ProviderFault `malformed` and `cut` for what is no JSON, so that it may be asked for again; `refused` for an error
 * that came as an answer; `empty` for what holds no text
 */
export function readAnswer(format: AnswerFormat, answer: ReceivedAnswer): Reading {
  const body = parsedOrUndefined(answer.text);
  const reading = body === undefined ? readStream(format, answer) : readIn(format, unwrapped(body));
  if (!isInvisible(reading.text)) return reading;
  throw textless(format, reading, body, answer);
}

/** A proxy that answers in another format than it was asked in is understood, too. */
function readIn(format: AnswerFormat, body: unknown): Reading {
  const own = format.read(body);
  if (!isInvisible(own.text)) return own;
  const others = FORMATS.filter((other) => other !== format).map((other) => other.read(body));
  return others.find(({ text }) => !isInvisible(text)) ?? own;
}

function readStream(format: AnswerFormat, { status, text }: ReceivedAnswer): Reading {
  const stream = streamedEvents(text);
  if (stream === null) throw noJson(status, text);
  if (stream.events.length > MAX_EVENTS)
    throw new ProviderFault('too_large', { status, mayRetry: false, spent: spentUnread(text.length) });
  const reading = joined(stream.events.map(format.read));
  const isOver = stream.isClosed || reading.finishWord !== '' || reading.error !== undefined || reading.isBlocked;
  if (!isOver) throw new ProviderFault('cut', { status, spent: spentOn(reading) });
  return reading;
}

/** A page for people comes from a base URL that leads elsewhere; all else may be an answer that was cut. */
function noJson(status: number, text: string): ProviderFault {
  if (/^\s*</.test(text))
    return new ProviderFault('malformed', {
      status,
      code: 'ai_misconfigured',
      misconfiguration: 'url',
      mayRetry: false,
      reason: 'html',
    });
  return new ProviderFault('malformed', { status, spent: spentUnread(/^\s*[[{]/.test(text) ? text.length : 0) });
}

/** Of an answer that could not be read to its end nobody knows what it cost: rather too much is counted than too little. */
export function spentUnread(bytes: number): Spent {
  return { reported: NO_USAGE, countedOut: Math.ceil(bytes / TOKEN_MAX_BYTES) };
}

function spentOn({ usage, text, reasoning }: Reading): Spent {
  return { reported: usage, countedOut: countTokens(reasoning) + countTokens(text) };
}

function textless(
  format: AnswerFormat,
  reading: Reading,
  body: unknown,
  { status, headers }: ReceivedAnswer,
): ProviderFault {
  const { finishWord, isBlocked, usage } = reading;
  const reason = isLoggable(finishWord) ? finishWord : undefined;
  if (isBlocked || finishReasonOf(finishWord) === 'content-filter')
    return new ProviderFault('empty', { status, code: 'ai_refused', reason, spent: spentOn(reading) });

  const error = reading.error ?? (isComplaint(body, finishWord) ? body : undefined);
  if (error !== undefined) {
    const spent = isReported(usage) ? spentOn(reading) : null;
    return faultOfError(error, { headers, spent, nowMs: Date.now() });
  }
  // It came whole and is paid for: even where the provider broke off for want of room it is not asked again.
  const judged = judge({ words: [finishWord], sentences: '', status: null }, null).code;
  const isOdd = judged === 'ai_failed' && finishReasonOf(finishWord) === 'other';
  return new ProviderFault('empty', {
    status,
    code: isOdd ? format.endsOddlyAs : judged,
    reason,
    mayRetry: false,
    mayBeHistory: isOdd,
    spent: spentOn(reading),
  });
}

/** A body that is nothing but a complaint, without any of the names for an error. */
function isComplaint(body: unknown, finishWord: string): boolean {
  if (body === undefined || finishWord !== '') return false;
  const complaint = complaintIn(body);
  return complaint.status !== null || judge(complaint, null).code !== 'ai_failed';
}

function isReported({ tokensIn, tokensOut, total }: ReportedUsage): boolean {
  return Boolean(tokensIn || tokensOut || total);
}
