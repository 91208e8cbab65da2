import { createHmac } from 'node:crypto';
import { idOf } from './text.mjs';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An access token as the product makes them, good for a day. */
export function accessToken(secret, account) {
  const nowS = Math.floor(Date.now() / 1_000);
  const signed = `${part({ alg: 'HS256', typ: 'at+jwt' })}.${part({ iss: 'edgechat', aud: 'edgechat-api', type: 'access', sid: idOf(`session-${account}`), sub: String(account), gen: 1, iat: nowS, exp: nowS + 86_400 })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
