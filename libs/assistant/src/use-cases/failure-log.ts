import { Injectable } from '@nestjs/common';
import { setNewest } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { type AnswerFailed, LanguageModel } from '../ports/language-model.js';
import { ProviderFault } from '../providers/provider-fault.js';
import { faultFields } from '../providers/what-to-mend.js';

/** The line that operators wait for (docs/deploy.md): the provider refuses key, credit, model, region or address, until somebody mends it. */
export const REFUSED = 'the AI provider refuses this server';

/** Lines of one kind of failure in a time. */
const ERRORS = { lines: 1, inMs: 5 * 60_000 };
const WARNINGS = { lines: 10, inMs: 60_000 };
/** Kinds of failure that are told apart; providers have a few dozen words for them. */
const MAX_KINDS = 100;

/** What a job's failure belongs to. */
export interface Failed {
  readonly replyId?: string;
  readonly completionId?: string;
  /** Seconds after which it is asked again by itself; null: not at all. */
  readonly asksAgainInS?: number | null;
}

interface Told {
  readonly since: number;
  readonly lines: number;
  /** Failures of this kind that had no line, since `since`. */
  readonly untold: number;
}

/**
 * What the log is told of answers that failed. A provider that is down fails each send: one kind of failure (code, status, the provider's word) has at most ten lines a minute, and the first of the
 * next minute says how many had none. What the operator has to mend is an error, once in five minutes. All others are lines for developers (debug).
 */
@Injectable()
export class FailureLog {
  private readonly told = new Map<string, Told>();
  private isFailing = false;
  private failed = 0;

  constructor(
    private readonly model: LanguageModel,
    readonly log: Log,
  ) {}

  /** An answer failed. Says status, the provider's word, model and the variable to look at; never a sentence of the provider's, which can hold a part of a key or of a prompt. */
  note(error: AnswerFailed, job: Failed, nowMs = Date.now()): void {
    const { provider, model } = this.model;
    const fault = error.cause instanceof ProviderFault ? error.cause : null;
    const fields = { code: error.code, provider, model, ...(fault && faultFields(provider, fault)), ...job };
    const isError = error.code === 'ai_misconfigured';
    const kind = `${error.code} ${fault?.kind} ${fault?.status} ${fault?.reason}`;
    if (!OF_ONE_TEXT.has(error.code)) this.failed += 1;

    const untold = this.untoldBefore(kind, isError ? ERRORS : WARNINGS, nowMs);
    if (untold === null) return this.log.debug(isError ? REFUSED : 'the assistant failed', fields);
    if (!OF_ONE_TEXT.has(error.code)) this.isFailing = true;
    const all = untold === 0 ? fields : { ...fields, untold };
    if (isError) this.log.error(REFUSED, all);
    else this.log.warn('the assistant failed', all);
  }

  /** How many of this kind had no line before, where this one may have one; else null. */
  private untoldBefore(kind: string, { lines, inMs }: typeof ERRORS, nowMs: number): number | null {
    const told = this.told.get(kind);
    if (told === undefined || nowMs - told.since >= inMs) {
      setNewest(this.told, kind, { since: nowMs, lines: 1, untold: 0 }, MAX_KINDS);
      return told?.untold ?? 0;
    }
    const isFull = told.lines >= lines;
    this.told.set(kind, isFull ? { ...told, untold: told.untold + 1 } : { ...told, lines: told.lines + 1 });
    return isFull ? null : 0;
  }

  /** The provider answered. */
  answered(): void {
    if (this.isFailing) this.log.info('the assistant answers again', { failed: this.failed });
    this.isFailing = false;
    this.failed = 0;
  }
}

/** What says something of one text and nothing of the provider. */
const OF_ONE_TEXT: ReadonlySet<string> = new Set(['ai_refused', 'ai_input_too_long', 'ai_not_configured']);
