import { Injectable } from '@nestjs/common';
import { setNewest } from '@edgechat/kernel';
import { Log } from '@edgechat/platform/logging';
import { type AnswerFailed, LanguageModel } from '../ports/language-model.js';
import { ProviderFault } from '../providers/provider-fault.js';
import { faultFields, isForOperator } from '../providers/what-to-mend.js';

/** The line that operators wait for (docs/deploy.md): the provider refuses key, credit, model, region or address, until somebody mends it. */
export const REFUSED = 'the AI provider refuses this server';

const ERROR_EVERY_MS = 5 * 60_000;
const WARNING_EVERY_MS = 60_000;
/** Kinds of failure that are told apart; providers have a few dozen words for them. */
const MAX_KINDS = 100;

/** What a job's failure belongs to. */
export interface Failed {
  readonly replyId?: string;
  readonly completionId?: string;
}

interface Told {
  readonly at: number;
  /** Failures of this kind since then, which were told to the developer only. */
  readonly since: number;
}

/**
 * What the log is told of answers that failed. A provider that is down fails each send: of one kind of failure (code, status, the provider's word) there is one line, and then at most one a minute,
 * with the number of those between; of a provider that refuses this server an error, then at most one in five minutes. The others are lines for developers (debug).
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
    const isError = error.code === 'ai_misconfigured' || (fault !== null && isForOperator(fault));
    const kind = `${error.code} ${fault?.kind} ${fault?.status} ${fault?.reason}`;
    if (!OF_ONE_TEXT.has(error.code)) this.failed += 1;

    const before = this.told.get(kind);
    if (before !== undefined && nowMs - before.at < (isError ? ERROR_EVERY_MS : WARNING_EVERY_MS)) {
      this.told.set(kind, { at: before.at, since: before.since + 1 });
      return this.log.debug(isError ? REFUSED : 'the assistant failed', fields);
    }
    setNewest(this.told, kind, { at: nowMs, since: 0 }, MAX_KINDS);
    if (!OF_ONE_TEXT.has(error.code)) this.isFailing = true;
    const sum = before === undefined || before.since === 0 ? fields : { ...fields, before: before.since };
    if (isError) this.log.error(REFUSED, sum);
    else this.log.warn('the assistant failed', sum);
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
