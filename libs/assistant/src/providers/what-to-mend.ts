import type { ProviderFault } from './provider-fault.js';

/** What the operator is to mend, and the variable that it stands in. */
export interface Mending {
  readonly wrong: 'key' | 'credit' | 'model' | 'region' | 'url' | 'proxy';
  readonly variable: string;
}

const PROXY = /^(HTTPS?_PROXY)_/;

/** Where the operator is to look after a fault: at what the provider refuses of the installation, or at where it should be reached. Null: it is nothing that a variable says. */
export function whatToMend(provider: string, { kind, misconfiguration, reason }: ProviderFault): Mending | null {
  const [, proxy] = PROXY.exec(reason ?? '') ?? [];
  if (proxy !== undefined) return { wrong: 'proxy', variable: proxy };
  const wrong = misconfiguration ?? (kind === 'unreachable' ? 'url' : null);
  return wrong === null ? null : { wrong, variable: variableOf(provider, wrong) };
}

function variableOf(provider: string, wrong: Exclude<Mending['wrong'], 'proxy'>): string {
  const prefix = provider.toUpperCase();
  if (wrong === 'model') return `${prefix}_MODEL`;
  return wrong === 'url' ? `${prefix}_BASE_URL` : `${prefix}_API_KEY`;
}

/** What a fault is, for a line of the log: words of a few letters and numbers, nothing that a provider wrote in sentences. */
export function faultFields(provider: string, fault: ProviderFault): Record<string, unknown> {
  const { kind, status, reason } = fault;
  return { fault: kind, status, reason, ...whatToMend(provider, fault) };
}
