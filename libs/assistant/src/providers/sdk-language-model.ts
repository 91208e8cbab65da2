import { setTimeout as pause } from 'node:timers/promises';
import { newerHalf } from '../domain/context-window.js';
import { AnswerFailed, LanguageModel } from '../ports/language-model.js';
import type { Answer, AnswerRequest, ChatTurn, FailedCall } from '../ports/language-model.js';
import { askOnce, type AskedModel, type GoodAnswer } from './ask-once.js';
import { CALL_MIN_MS, nextCall, type Attempt, type Extent } from './next-call.js';
import { countPrompt, partsOf, promptOf, type Placement, type Prompt } from './prompt.js';
import { ProviderFault } from './provider-fault.js';
import { waitSeconds } from './pauses.js';

/** What the operator should hear of, once in a process: the model takes less than `AI_CONTEXT_MAX_TOKENS` allows. `sentTokens` as counted here. */
export interface ModelNote {
  readonly note: 'input_too_long';
  readonly provider: string;
  readonly model: string;
  readonly sentTokens: number;
}

/** A provider as the SDK speaks to it, and what it asks for besides. */
export interface SdkProvider extends AskedModel {
  readonly provider: string;
  readonly model: string;
  readonly onNote?: ((note: ModelNote) => void) | undefined;
}

/** What a test puts in the place of the network, the clock and chance. */
export interface Surroundings {
  readonly ask: typeof askOnce;
  readonly now: () => number;
  readonly random: () => number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

const REAL: Surroundings = {
  ask: askOnce,
  now: () => Date.now(),
  random: () => Math.random(),
  pause: (ms, signal) => pause(ms, undefined, { signal }),
};

/**
 * Any provider by the AI SDK. What is asked again, and how, is ours (`next-call.ts`): the SDK's repeats begin with a pause of 2 s, know no jitter, and send the same.
 * It remembers of its model, as long as the process runs, that it takes no instruction apart from the turns.
 */
export class SdkLanguageModel extends LanguageModel {
  readonly provider: string;
  readonly model: string;
  private placement: Placement = 'apart';
  private isNoted = false;

  constructor(
    private readonly settings: SdkProvider,
    private readonly real: Surroundings = REAL,
  ) {
    super();
    this.provider = settings.provider;
    this.model = settings.model;
  }

  override async complete({ messages, signal, endsAt, callsMax }: AnswerRequest): Promise<Answer> {
    const { ask, now, random } = this.real;
    if (signal.aborted || now() + CALL_MIN_MS > endsAt)
      throw new AnswerFailed('ai_timed_out', { cause: signal.reason });

    const parts = partsOf(messages);
    const olderIn = extentsOf(parts.older);
    const failedCalls: FailedCall[] = [];
    let attempt: Attempt = { extent: 'whole', placement: this.placement, repeats: 1, isHistoryRefused: false };
    for (let calls = 1; ; calls += 1) {
      const prompt = promptOf({ ...parts, older: olderIn(attempt.extent) }, attempt.placement);
      const outcome = await ask(this.settings, prompt, signal);
      if (!(outcome instanceof ProviderFault))
        return this.answered({ ...outcome, calls, failedCalls }, attempt, olderIn('whole').length > 0);

      const use = outcome.use ?? (signal.aborted ? useOfCut(outcome, prompt) : null);
      if (use !== null) failedCalls.push({ call: calls, ...use });
      // A call that was cut short says nothing of the provider.
      if (signal.aborted) throw new AnswerFailed('ai_timed_out', { calls, failedCalls, cause: signal.reason });
      if (outcome.code === 'ai_input_too_long') this.noteOnce(prompt);
      const next = nextCall({
        ...{ attempt, fault: outcome, calls, callsMax, endsAt, nowMs: now(), random: random() },
        hasInstruction: parts.instruction !== undefined,
        hasOlder: (extent) => olderIn(extent).length > 0,
      });
      const isPassing = next.attempt === null && next.isPassing;
      if (next.attempt === null || !(await this.hasPaused(next.pauseMs, signal)) || now() + CALL_MIN_MS > endsAt)
        throw failure(outcome, { calls, failedCalls, isPassing }, olderIn(attempt.extent).length > 0);
      attempt = next.attempt;
    }
  }

  private answered(
    answer: GoodAnswer & Pick<Answer, 'calls' | 'failedCalls'>,
    { placement, extent, isHistoryRefused }: Attempt,
    hasOlder: boolean,
  ): Answer {
    // Where what stands before the question was left out as well, that may have been the reason.
    const isProven = extent !== 'question' || !hasOlder;
    if (placement === 'inlined' && isProven) this.placement = 'inlined';
    return { ...answer, isHistoryRefused };
  }

  /** False once `signal` is aborted. */
  private async hasPaused(ms: number, signal: AbortSignal): Promise<boolean> {
    if (ms > 0) await this.real.pause(ms, signal).catch(() => undefined);
    return !signal.aborted;
  }

  private noteOnce(prompt: Prompt): void {
    if (this.isNoted) return;
    this.isNoted = true;
    const { provider, model } = this;
    this.settings.onNote?.({ note: 'input_too_long', provider, model, sentTokens: countPrompt(prompt) });
  }
}

/** What a call is billed that our own deadline cut: the provider had read what was sent, unless it was not reached or refused. */
function useOfCut({ kind }: ProviderFault, prompt: Prompt): Omit<FailedCall, 'call'> | null {
  return kind === 'refused' || kind === 'unreachable' ? null : { tokensIn: countPrompt(prompt), tokensOut: 0 };
}

/** What of the turns before the question is sent in each extent. The half is made when it is needed first: few requests need it. */
function extentsOf(older: readonly ChatTurn[]): (extent: Extent) => readonly ChatTurn[] {
  let half: readonly ChatTurn[] | null = null;
  return (extent) => {
    if (extent === 'half') return (half ??= newerHalf(older));
    return extent === 'whole' ? older : [];
  };
}

/** What the provider says of a request with older turns, it does not say of the question: only the question alone may end in what is final for it. */
function failure(
  fault: ProviderFault,
  made: { readonly calls: number; readonly failedCalls: readonly FailedCall[]; readonly isPassing: boolean },
  hadOlder: boolean,
): AnswerFailed {
  const isFinal = fault.code === 'ai_refused' || fault.code === 'ai_input_too_long';
  const code = isFinal && hadOlder ? 'ai_failed' : fault.code;
  return new AnswerFailed(code, { ...made, retryAfterS: waitSeconds(fault), cause: fault });
}
