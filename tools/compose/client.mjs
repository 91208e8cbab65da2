import { randomUUID } from 'node:crypto';
import { must, pause } from './checks.mjs';

/** A client of the API that only knows HTTP. */
export class Client {
  constructor(url) {
    this.url = url;
    this.token = null;
  }

  /** Calls a path under /api/v1. @throws what fetch throws when no answer came */
  async call(method, path, body, { headers = {}, timeoutMs = 70_000 } = {}) {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : { text },
    };
  }

  /** Makes an account and stays logged in. */
  async register() {
    const { status, body } = await this.call('POST', '/auth/register', {
      email: `${randomUUID()}@example.com`,
      password: 'correct horse battery',
    });
    must(status === 201, 'register', { status, body });
    this.token = body.access_token;
    return this;
  }

  async conversation(assistant = 'always') {
    const { status, body } = await this.call('POST', '/chat/conversations', { assistant });
    must(status === 201, 'a conversation is made', { status, body });
    return body.id;
  }

  send(conversation, content, { key, headers = {}, timeoutMs } = {}) {
    return this.call(
      'POST',
      `/chat/conversations/${conversation}/messages`,
      { content },
      { headers: { ...headers, ...(key === undefined ? {} : { 'idempotency-key': key }) }, timeoutMs },
    );
  }

  /**
   * Sends with a client key, and repeats with the same one while no answer comes or the answer says "later". Gives the last answer and how often it was asked.
   * `status` is 0 when there was no answer within `withinMs`.
   */
  async sendUntilAnswered(conversation, content, key, withinMs = 90_000) {
    const until = Date.now() + withinMs;
    for (let asked = 1; ; asked += 1) {
      const answer = await this.send(conversation, content, { key, timeoutMs: 20_000 }).catch((error) => ({
        status: 0,
        body: { error: String(error) },
      }));
      if (![0, 429, 502, 503, 504].includes(answer.status) || Date.now() > until) return { ...answer, asked };
      await pause(Number(answer.headers?.get('retry-after') ?? 0) * 1_000 || 250);
    }
  }

  /** All messages, oldest first, read page by page. */
  async messages(conversation) {
    const all = [];
    for (let after = 0; ; after = all.at(-1).seq) {
      const { status, body } = await this.call(
        'GET',
        `/chat/conversations/${conversation}/messages?limit=100&after_seq=${after}`,
      );
      must(status === 200, 'messages are read', { status, body });
      all.push(...body.messages);
      if (!body.has_more) return all;
    }
  }
}
