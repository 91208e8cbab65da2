import type { AccountId } from '@edgechat/kernel';

/** Tokens that a provider bills for one call: as it reported them, else counted. */
export interface BilledCall {
  /** Which call of its run it was, from 1. */
  readonly call: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** One that may be of another run than the one that is charged for: of the one with this epoch. */
export type CallOfRun = BilledCall & { readonly epoch?: number };

/** Whom calls are charged to, and for what: `id` is the reply's or the completion's, which has one usage row. */
export interface ChargedTo {
  readonly id: string;
  readonly kind: 'reply' | 'completion';
  readonly accountId: AccountId;
  readonly conversationId: string | null;
  readonly provider: string;
  readonly model: string;
  /** The run that made the calls: its calls are told apart from those of other runs by it. */
  readonly epoch: number;
}

/** What the function `edgechat.charge_calls` is given, in JSON, so that it can stand in the statement that ends a run; null for no calls. */
export function toBill(chargedTo: ChargedTo, calls: readonly CallOfRun[]): string | null {
  if (calls.length === 0) return null;
  const { id, kind, accountId, conversationId, provider, model, epoch } = chargedTo;
  return JSON.stringify({
    id,
    kind,
    account_id: accountId,
    conversation_id: conversationId,
    provider,
    model,
    calls: calls.map(({ call, tokensIn, tokensOut, ...of }) => ({
      epoch: of.epoch ?? epoch,
      call,
      tokens_in: tokensIn,
      tokens_out: tokensOut,
    })),
  });
}
