import { randomUUID } from 'node:crypto';

/** An answer of the API, as it came. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

/** JSON read by a test; a wrong path throws, which fails the test. */
export interface Json {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test states what it expects of a body, and fails where it is otherwise
  readonly [key: string]: any;
}

export interface Call {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array;
  readonly timeoutMs?: number;
}

/** A client of the API, as an app would be: HTTP and nothing else. */
export class Client {
  token: string | null = null;
  refreshToken: string | null = null;
  email = '';

  constructor(readonly url: string) {}

  /** The same account on another API. */
  at(url: string): Client {
    const client = new Client(url);
    client.token = this.token;
    client.refreshToken = this.refreshToken;
    client.email = this.email;
    return client;
  }

  /** Calls a path under `/api/v1`, or at the root when it begins with `//`. */
  async call(
    method: string,
    path: string,
    { body, headers = {}, raw, timeoutMs = 90_000 }: Call = {},
  ): Promise<Answer> {
    const url = path.startsWith('//') ? `${this.url}${path.slice(1)}` : `${this.url}/api/v1${path}`;
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(url, {
      method,
      headers: {
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const isJson = text !== '' && (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, headers: response.headers, body: isJson ? (JSON.parse(text) as Json) : { text } };
  }

  get(path: string, call: Call = {}): Promise<Answer> {
    return this.call('GET', path, call);
  }

  post(path: string, body?: unknown, call: Call = {}): Promise<Answer> {
    return this.call('POST', path, { ...call, body });
  }

  /** Makes an account and stays logged in. */
  async register(email = `${randomUUID()}@example.com`, password = 'correct horse battery'): Promise<this> {
    const { status, body } = await this.post('/auth/register', { email, password });
    if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
    this.token = String(body['access_token']);
    this.refreshToken = String(body['refresh_token']);
    this.email = email;
    return this;
  }

  /** Makes a conversation and gives its id. */
  async conversation(body: object = {}): Promise<string> {
    const answer = await this.post('/chat/conversations', body);
    if (answer.status !== 201) throw new Error(`conversation: ${answer.status} ${JSON.stringify(answer.body)}`);
    return String(answer.body['id']);
  }

  /** Sends a message, with a client key if one is given. */
  send(conversation: string, content: string, key?: string, call: Call = {}): Promise<Answer> {
    return this.post(
      `/chat/conversations/${conversation}/messages`,
      { content },
      { ...call, headers: { ...call.headers, ...(key === undefined ? {} : { 'idempotency-key': key }) } },
    );
  }

  /** All messages of a conversation, read page by page. */
  async messages(conversation: string): Promise<Json[]> {
    const all: Json[] = [];
    for (let after = 0; ; after = Number(all.at(-1)?.['seq'])) {
      const { status, body } = await this.get(
        `/chat/conversations/${conversation}/messages?limit=100&after_seq=${after}`,
      );
      if (status !== 200) throw new Error(`messages: ${status} ${JSON.stringify(body)}`);
      all.push(...(body['messages'] as Json[]));
      if (!body['has_more']) return all;
    }
  }
}
