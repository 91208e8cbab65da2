import type { IncomingHttpHeaders } from 'node:http';
import type { WireName } from './provider-wire.js';

/** The models that the provider says it has; whichever is asked, it answers. */
const MODELS = ['gpt-4o-mini', 'm-1'];

/** A question about models: of one, or for the list of all (`model` is null). */
export interface ModelsRequest {
  readonly wire: WireName;
  readonly model: string | null;
}

/** What a GET asks, by its path and the header of the key; null where it asks for no models. */
export function modelsAskedFor(path: string, headers: IncomingHttpHeaders): ModelsRequest | null {
  const [, version, name] = /^\/(v1beta|v1)\/models(?:\/([^/]+))?$/.exec(path) ?? [];
  if (version === undefined) return null;
  const model = name === undefined ? null : decodeURIComponent(name);
  if (version === 'v1beta') return { wire: 'gemini', model };
  return { wire: headers['x-api-key'] === undefined ? 'openai' : 'anthropic', model };
}

/** The answer, as each format has it. */
export function modelsAnswer({ wire, model }: ModelsRequest): object {
  if (model === null) return { object: 'list', data: MODELS.map((id) => ({ id, object: 'model' })) };
  return wire === 'gemini' ? { name: `models/${model}` } : { type: 'model', id: model, display_name: model };
}
