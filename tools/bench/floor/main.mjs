import Fastify from 'fastify';
import { logIn, readAccess, refresh } from './auth.mjs';
import { integer, isStored, notFound, problem } from './http.mjs';
import { newId } from './ids.mjs';
import { inboxPage, messagePage } from './read.mjs';
import { search } from './search.mjs';
import { send } from './send.mjs';
import { begin, count, hearAnswers, meter, query } from './stores.mjs';

// The floor: what the calls of the API cost when nothing stands between Fastify and the drivers. The same answers, the same store calls, the same worker; no Nest, no TypeORM, no mongoose, no log.

const LIMIT = Number(process.env.RATE_LIMIT_REQUESTS);
const WINDOW_S = 60;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'ratelimit-policy': `"default";q=${LIMIT};w=${WINDOW_S}`,
};
const ANSWER_WITHIN_MS = 62_000;

const app = Fastify({ genReqId: newId, routerOptions: { maxParamLength: 16_384 } });
app.decorateRequest('account', null);
const authorized = { config: { asksForToken: true } };

app.addHook('onRequest', async (request, reply) => {
  const { asksForToken, isUncounted } = request.routeOptions.config;
  if (isUncounted) return;
  const { authorization } = request.headers;
  request.account = authorization?.startsWith('Bearer ') ? readAccess(authorization.slice(7)) : null;
  if (request.account !== null) meter(request.account);
  const [used, leftMs] = await count(
    `rate:${request.account === null ? `address:${request.ip}` : `account:${request.account}`}`,
    1,
    WINDOW_S,
  );
  const resetS = Math.max(1, Math.ceil(leftMs / 1_000));
  reply
    .headers(HEADERS)
    .header('x-request-id', request.id)
    .header('ratelimit', `"default";r=${Math.max(0, LIMIT - used)};t=${resetS}`);
  if (used > LIMIT) throw problem(429, 'too_many_requests');
  if (asksForToken && request.account === null) throw problem(401, 'unauthorized');
});

app.get('/api/v1/health/started', { config: { isUncounted: true } }, () => ({ status: 'ok' }));

/** Who waits for which answer. */
const wakes = new Map();

async function answerOf(conversationId, account, { seq, reply_id }, woken) {
  await woken;
  const [reply] = await query(
    'look',
    'select r.id, r.status, r.answer_seq, r.is_input_cut from edgechat.replies r join edgechat.conversations c on c.id = r.conversation_id and c.deleted_at is null where r.conversation_id = $1 and r.question_seq = $2',
    [conversationId, seq],
  );
  if (reply?.status !== 'done') throw problem(503, 'answer_pending');
  const page = await messagePage(conversationId, account, { direction: 'after', from: reply.answer_seq - 1, limit: 1 });
  await query(
    'mark',
    'update edgechat.members set read_seq = $3 where conversation_id = $1 and account_id = $2 and read_seq < $3',
    [conversationId, account, reply.answer_seq],
  );
  const { is_input_cut } = reply;
  return { answer: page.messages[0], reply: { id: reply_id, status: 'done', is_input_cut, failure: null } };
}

app.post(
  '/api/v1/chat/conversations/:id/messages',
  authorized,
  async ({ id: requestId, params, body, account, headers }) => {
    const { content, client_id = null } = body ?? {};
    const { 'idempotency-key': key = null } = headers;
    if (
      !isStored(content, 1, 32_000) ||
      (client_id !== null && !isStored(client_id, 1, 255)) ||
      (key !== null && client_id !== null && key !== client_id)
    )
      throw problem(422, 'validation_failed');
    if (!UUID.test(params.id)) throw notFound();
    const replyId = newId();
    const woken = new Promise((wake) => wakes.set(replyId, wake));
    let timer;
    try {
      const row = await send({
        conversationId: params.id,
        author: account,
        clientKey: key ?? client_id,
        content,
        replyId,
        requestId,
      });
      if (row.outcome !== 'sent')
        throw row.outcome === 'not_found' ? notFound() : problem(422, 'idempotency_key_reused');
      const user_message = {
        id: row.message_id,
        conversation_id: params.id,
        seq: row.seq,
        role: 'user',
        author_id: account,
        author_name: row.author_name,
        content,
        client_id: key ?? client_id,
        answers_seq: null,
        reply: row.reply_id && { id: row.reply_id, status: row.reply_status, is_input_cut: false, failure: null },
        finish_reason: null,
        created_at: row.created_at.toISOString(),
      };
      if (row.reply_id === null || !row.waits) return { user_message, model_message: null, reply: user_message.reply };
      timer = setTimeout(wakes.get(replyId), ANSWER_WITHIN_MS);
      const { answer, reply } = await answerOf(params.id, account, row, woken);
      return { user_message: { ...user_message, reply }, model_message: answer, reply };
    } finally {
      clearTimeout(timer);
      wakes.delete(replyId);
    }
  },
);

app.get('/api/v1/chat/conversations/:id/messages', authorized, ({ params, query: asked, account }) => {
  const limit = Math.max(1, integer(asked.limit, 50, 100));
  if (!UUID.test(params.id)) throw notFound();
  if (asked.before_seq !== undefined)
    return messagePage(params.id, account, {
      direction: 'before',
      from: integer(asked.before_seq, 0, Number.MAX_SAFE_INTEGER),
      limit,
    });
  if (asked.after_seq !== undefined)
    return messagePage(params.id, account, {
      direction: 'after',
      from: integer(asked.after_seq, 0, Number.MAX_SAFE_INTEGER),
      limit,
    });
  return messagePage(params.id, account, {
    direction: 'skip',
    from: integer(asked.skip, 0, Number.MAX_SAFE_INTEGER),
    limit,
  });
});

app.get('/api/v1/chat/conversations', authorized, ({ query: asked, account }) =>
  inboxPage(account, Math.max(1, integer(asked.limit, 20, 100)), integer(asked.skip, 0, Number.MAX_SAFE_INTEGER)),
);

app.get('/api/v1/search', authorized, ({ query: asked, account }) => {
  if (!isStored(asked.q, 1, 256)) throw problem(422, 'validation_failed');
  return search(account, asked.q, Math.max(1, integer(asked.limit, 20, 100)));
});

app.post('/api/v1/auth/login', ({ body, ip }) => {
  if (!isStored(body?.email, 1, 254) || !isStored(body.password, 0, 1_024)) throw problem(422, 'validation_failed');
  return logIn(body.email, body.password, ip);
});

app.post('/api/v1/auth/refresh', ({ body }) => {
  if (!isStored(body?.refresh_token, 0, 4_096)) throw problem(422, 'validation_failed');
  return refresh(body.refresh_token);
});

await hearAnswers((id) => wakes.get(id)?.());
await begin();
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
