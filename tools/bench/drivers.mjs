// What the connections of the generator send. A driver belongs to one connection: `next` makes the bytes of its next request, `answered` hears of the answer, `kept` is what a check wants to know afterwards.

const text = (method, path, token, body) =>
  `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${token === null ? '' : `authorization: Bearer ${token}\r\n`}` +
  (body === null
    ? '\r\n'
    : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

/**
 * Sends messages, each with a client key and a content that begins with it: `<run>.<connection>.<n>`.
 * @param {{ run: string, conversations: readonly string[], tokens: readonly string[], own: boolean, words: string }} data `own`: the nth token may send into the nth conversation; else every token into all
 */
function send({ run, conversations, tokens, own, words }, connection) {
  const kept = [];
  const random = randomFrom(connection + 1);
  let key = '';
  let n = 0;
  return {
    kept,
    reads: false,
    next() {
      const place = Math.floor(random() * conversations.length);
      n += 1;
      key = `${run}.${connection}.${n}`;
      const token = tokens[(own ? place : connection) % tokens.length];
      return text(
        'POST',
        `/api/v1/chat/conversations/${conversations[place]}/messages`,
        token,
        `{"content":"${key} ${words}","client_id":"${key}"}`,
      );
    },
    answered(status) {
      if (status === 200) kept.push(key);
    },
  };
}

/** Reads pages: the requests in turn, each connection beginning at another one. @param {{ requests: readonly { path: string, token: string }[] }} data */
function get({ requests }, connection) {
  const bytes = requests.map(({ path, token }) => Buffer.from(text('GET', path, token, null)));
  let n = connection;
  return { reads: false, next: () => bytes[n++ % bytes.length], answered: () => undefined };
}

/** Logs in, each connection with accounts of its own. @param {{ logins: readonly { email: string, password: string }[], connections: number }} data */
function login({ logins, connections }, connection) {
  const own = logins
    .filter((_, i) => i % connections === connection)
    .map((body) => Buffer.from(text('POST', '/api/v1/auth/login', null, JSON.stringify(body))));
  let n = 0;
  return { reads: false, next: () => own[n++ % own.length], answered: () => undefined };
}

/** Refreshes a session again and again, each time with the token that the time before gave. @param {{ refreshTokens: readonly string[] }} data */
function refresh({ refreshTokens }, connection) {
  const driver = {
    reads: true,
    kept: refreshTokens[connection],
    next: () => text('POST', '/api/v1/auth/refresh', null, JSON.stringify({ refresh_token: driver.kept })),
    answered(status, body) {
      if (status === 200) driver.kept = JSON.parse(body).refresh_token;
    },
  };
  return driver;
}

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const DRIVERS = { send, get, login, refresh };
