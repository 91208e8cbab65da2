import { setTimeout as pause } from 'node:timers/promises';
import { AnswerFailed, LanguageModel } from '../ports/language-model.js';
import type { Answer, AnswerRequest } from '../ports/language-model.js';
import { askOnce, type AskedModel } from './ask-once.js';
import { promptOf } from './prompt.js';
import { ProviderFault } from './provider-fault.js';
import { answerFailed, isWorthRepeating, pauseMs } from './retry.js';

/** A provider as the SDK speaks to it, and what it asks for besides. */
export interface SdkProvider extends AskedModel {
  readonly provider: string;
  readonly model: string;
  /** Neighbouring turns of one role must be sent as one. */
  readonly mergesTurns: boolean;
}

/** Any provider by the AI SDK. The repeats are ours (see retry.ts): the SDK's begin with a pause of 2 s and know no jitter. */
export class SdkLanguageModel extends LanguageModel {
  readonly provider: string;
  readonly model: string;

  constructor(private readonly settings: SdkProvider) {
    super();
    this.provider = settings.provider;
    this.model = settings.model;
  }

  override async complete({ messages, signal }: AnswerRequest): Promise<Answer> {
    const prompt = promptOf(messages, this.settings);
    for (let tries = 1; ; tries += 1) {
      refuseWhenOver(signal);
      const outcome = await askOnce(this.settings, prompt, signal);
      if (!(outcome instanceof ProviderFault)) return { ...outcome, failedCalls: [], isHistoryRefused: false };
      refuseWhenOver(signal);
      if (!isWorthRepeating(outcome, tries)) throw answerFailed(outcome);
      await pause(pauseMs(tries, Math.random()), undefined, { signal }).catch(() => refuseWhenOver(signal));
    }
  }
}

/** The reason of an abort is whatever the caller gave, so it may be shown as the cause. */
function refuseWhenOver(signal: AbortSignal): void {
  if (signal.aborted) throw new AnswerFailed('ai_timed_out', { cause: signal.reason });
}
