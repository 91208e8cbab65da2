import http from 'node:http';

/** A call may take this long, not counting the time its process stood still by our doing. */
const LONGEST_MS = 20_000;
const GIVEN_UP_MS = 60_000;
/** What an answer may be at any moment of a drill: the service is away, or says that it is busy. */
const LATER = [0, 429, 503];

/** True for an answer that leaves open what became of the call: it has to be repeated. Status 0: no answer came. */
export const isLater = ({ status }) => LATER.includes(status);

/**
 * One API as a client sees it. Every answer is looked at, whatever was asked: nothing but a fault of ours may cost an answer,
 * nobody waits for more than 20 s, and the service never says that it has a bug.
 */
export class Door {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

  /** @param app the process behind it (system.mjs) */
  constructor(app, violations) {
    this.app = app;
    this.violations = violations;
    this.statuses = new Map();
  }

  close() {
    this.#agent.destroy();
  }

  /**
   * Calls a path under /api/v1. Never throws: `status` is 0 when no answer came.
   * @param {{ token?: string, body?: object, key?: string, expects?: number[] }} options `expects`: what may be answered besides 429 and 503
   */
  async call(method, path, { token, body, key, expects = [200] } = {}) {
    const beganAt = performance.now();
    const answer = await this.#ask(method, path, { token, body, key });
    const endedAt = performance.now();
    const whole = { ...answer, beganAt, endedAt, door: this };
    this.#judge(whole, `${method} ${path}`, expects);
    return whole;
  }

  #ask(method, path, { token, body, key }) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    };
    return new Promise((resolve) => {
      const lost = (error) => resolve({ status: 0, headers: {}, body: {}, lost: error.code ?? error.message });
      const request = http.request(
        {
          agent: this.#agent,
          host: '127.0.0.1',
          port: this.app.port,
          method,
          path: `/api/v1${path}`,
          headers,
          timeout: GIVEN_UP_MS,
        },
        (response) => {
          const chunks = [];
          response
            .on('data', (chunk) => chunks.push(chunk))
            .on('error', lost)
            .on('aborted', () => lost({ code: 'cut off' }));
          response.on('end', () =>
            resolve({
              status: response.statusCode,
              headers: response.headers,
              body: parsed(Buffer.concat(chunks).toString()),
              lost: null,
            }),
          );
        },
      );
      request
        .on('error', lost)
        .on('timeout', () => request.destroy(new Error(`no answer in ${GIVEN_UP_MS / 1_000} s`)));
      request.end(text);
    });
  }

  #judge(answer, call, expects) {
    const { status, headers, body, lost, beganAt, endedAt } = answer;
    const { name } = this.app;
    const reason = status === 0 ? 'connection lost' : `${status} ${body.code ?? ''}`.trim();
    this.statuses.set(reason, (this.statuses.get(reason) ?? 0) + 1);
    const ms = endedAt - beganAt - this.app.stoodStillMs(beganAt, endedAt);
    if (ms > LONGEST_MS) this.violations.add('a call hung', `${name}, ${call}: ${reason} after ${Math.round(ms)} ms`);
    if (lost !== null && !this.app.wasHit(beganAt, endedAt))
      this.violations.add('an answer was lost though nothing was done to its API', `${name}, ${call}: ${lost}`);
    if ([429, 503].includes(status) && headers['retry-after'] === undefined)
      this.violations.add('no Retry-After', `${name}, ${call}: ${reason}`);
    if (status >= 400 && (typeof body.code !== 'string' || typeof body.request_id !== 'string'))
      this.violations.add('an error that is no problem document', `${name}, ${call}: ${reason}`);
    if (!LATER.includes(status) && !expects.includes(status))
      this.violations.add(
        `answered ${reason}`,
        `${name}, ${call}: expected ${expects.join(' or ')}; ${JSON.stringify(body).slice(0, 300)}`,
      );
  }
}

function parsed(text) {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}
