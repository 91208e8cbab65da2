/*
 * The wire formats of three AI providers, as far as one whole answer to a text needs them: what is asked, what a good answer
 * and an error look like, and what the provider refuses. A new rule of a provider belongs here.
 */
export type WireName = 'gemini' | 'openai' | 'anthropic';

/** What a request asks, whatever its format. */
export interface WireRequest {
  readonly wire: WireName;
  readonly model: string;
  readonly turns: readonly WireTurn[];
  /** What an assistant is to answer now: of the last text of the last turn what stands after its last blank line, since neighbouring turns come as one. */
  readonly question: string;
}

export interface WireTurn {
  readonly role: string;
  readonly texts: readonly string[];
}

export interface WireAnswer {
  readonly model: string;
  readonly text: string;
  readonly reasoning: string;
  readonly finish: 'stop' | 'length' | 'content';
  readonly usage: { readonly input: number; readonly output: number } | null;
}

/** An error answer: HTTP status, and the word that the format has for it. */
export interface WireError {
  readonly status: number;
  readonly word: string;
  readonly message: string;
}

export interface Wire {
  readonly name: WireName;
  /** Null if the path is not this format's. */
  readonly modelOf: (path: string, body: unknown) => string | null;
  readonly turnsOf: (body: unknown) => WireTurn[];
  readonly refusal: (
    body: unknown,
    headers: Readonly<Record<string, unknown>>,
    turns: readonly WireTurn[],
  ) => WireError | null;
  readonly answer: (answer: WireAnswer) => object;
  readonly error: (error: WireError) => object;
}

const gemini: Wire = {
  name: 'gemini',
  modelOf: (path) => /^\/v1beta\/models\/([^/:]+):generateContent$/.exec(path)?.[1] ?? null,
  turnsOf: (body) =>
    list(body, 'contents').map((turn) => ({
      role: text(turn, 'role'),
      texts: list(turn, 'parts').map((part) => text(part, 'text')),
    })),
  refusal: (_body, headers, turns) => {
    if (!headers['x-goog-api-key'])
      return { status: 403, word: 'PERMISSION_DENIED', message: 'Method does not allow unregistered callers.' };
    return turnsTakeTurns(turns)
      ? null
      : {
          status: 400,
          word: 'INVALID_ARGUMENT',
          message: 'Ensure that multiturn requests alternate between user and model.',
        };
  },
  answer: ({ model, text: answer, reasoning, finish, usage }) => ({
    candidates: [
      {
        content: {
          role: 'model',
          parts: [...(reasoning ? [{ text: reasoning, thought: true }] : []), { text: answer }],
        },
        finishReason: { stop: 'STOP', length: 'MAX_TOKENS', content: 'SAFETY' }[finish],
        index: 0,
      },
    ],
    ...(usage && {
      usageMetadata: {
        promptTokenCount: usage.input,
        candidatesTokenCount: usage.output,
        totalTokenCount: usage.input + usage.output,
      },
    }),
    modelVersion: model,
    responseId: 'provider-server',
  }),
  error: ({ status, word, message }) => ({ error: { code: status, message, status: word } }),
};

const openai: Wire = {
  name: 'openai',
  modelOf: (path, body) => (path === '/v1/chat/completions' ? text(body, 'model') : null),
  turnsOf: (body) =>
    list(body, 'messages')
      .map((turn) => ({ role: text(turn, 'role'), texts: contentOf(turn) }))
      .filter(({ role }) => role !== 'system'),
  refusal: (_body, _headers, turns) =>
    turns.length > 0 ? null : { status: 400, word: 'invalid_request_error', message: 'messages must not be empty' },
  answer: ({ model, text: content, reasoning, finish, usage }) => ({
    id: 'chatcmpl-provider-server',
    object: 'chat.completion',
    created: 1_700_000_000,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, ...(reasoning && { reasoning_content: reasoning }) },
        finish_reason: finish === 'content' ? 'content_filter' : finish,
        logprobs: null,
      },
    ],
    ...(usage && {
      usage: { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: usage.input + usage.output },
    }),
  }),
  error: ({ word, message }) => ({ error: { message, type: word, param: null, code: word } }),
};

const anthropic: Wire = {
  name: 'anthropic',
  modelOf: (path, body) => (path === '/v1/messages' ? text(body, 'model') : null),
  turnsOf: (body) => list(body, 'messages').map((turn) => ({ role: text(turn, 'role'), texts: contentOf(turn) })),
  refusal: (body, headers, turns) => {
    if (!headers['x-api-key'])
      return { status: 401, word: 'authentication_error', message: 'x-api-key header is required' };
    if (typeof member(body, 'max_tokens') !== 'number')
      return { status: 400, word: 'invalid_request_error', message: 'max_tokens: Field required' };
    const isBlank = turns.some(({ texts }) => texts.some((part) => part.trim() === ''));
    if (isBlank)
      return { status: 400, word: 'invalid_request_error', message: 'messages: text content blocks must be non-empty' };
    return turnsTakeTurns(turns)
      ? null
      : {
          status: 400,
          word: 'invalid_request_error',
          message: 'messages: roles must alternate between "user" and "assistant"',
        };
  },
  answer: ({ model, text: answer, reasoning, finish, usage }) => ({
    id: 'msg_provider_server',
    type: 'message',
    role: 'assistant',
    model,
    content: [
      ...(reasoning ? [{ type: 'thinking', thinking: reasoning, signature: 'c2ln' }] : []),
      { type: 'text', text: answer },
    ],
    stop_reason: { stop: 'end_turn', length: 'max_tokens', content: 'refusal' }[finish],
    stop_sequence: null,
    usage: { input_tokens: usage?.input ?? 0, output_tokens: usage?.output ?? 0 },
  }),
  error: ({ word, message }) => ({ type: 'error', error: { type: word, message } }),
};

/** All formats; no two have a path in common. */
export const WIRES: readonly Wire[] = [gemini, openai, anthropic];

/** The request in whichever format it is, or null if it is in none. */
export function readRequest(path: string, body: unknown): (WireRequest & { readonly format: Wire }) | null {
  for (const format of WIRES) {
    const model = format.modelOf(path, body);
    if (model === null) continue;
    const turns = format.turnsOf(body);
    return {
      format,
      wire: format.name,
      model,
      turns,
      question: turns.at(-1)?.texts.at(-1)?.split('\n\n').at(-1) ?? '',
    };
  }
  return null;
}

/** It begins with a person, and nobody speaks twice in a row. */
function turnsTakeTurns(turns: readonly WireTurn[]): boolean {
  return turns[0]?.role === 'user' && turns.every((turn, i) => i === 0 || turn.role !== turns[i - 1]?.role);
}

/** `content` is a text or a list of parts. */
function contentOf(turn: unknown): string[] {
  const content = member(turn, 'content');
  return typeof content === 'string' ? [content] : list(turn, 'content').map((part) => text(part, 'text'));
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function list(value: unknown, name: string): unknown[] {
  const found = member(value, name);
  return Array.isArray(found) ? found : [];
}

function text(value: unknown, name: string): string {
  const found = member(value, name);
  return typeof found === 'string' ? found : '';
}
