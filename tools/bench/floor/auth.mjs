import { createHash, createHmac, createSecretKey, hkdfSync, timingSafeEqual } from 'node:crypto';
import { verify } from '@node-rs/argon2';
import { newId } from './ids.mjs';
import { problem } from './http.mjs';
import { count, query, revoked, transaction } from './stores.mjs';

// Tokens and sessions as the product makes them (libs/identity), each with the fewest calls of node:crypto.

const SECRET = Buffer.from(process.env.JWT_SECRET ?? '', 'utf8');
const subkey = (purpose) => createSecretKey(Buffer.from(hkdfSync('sha256', SECRET, '', `edgechat ${purpose}`, 32)));
const KEYS = { access: createSecretKey(SECRET), refresh: subkey('refresh-token'), pseudonym: subkey('pseudonym') };
const HEADER = Buffer.from('{"alg":"HS256","typ":"at+jwt"}').toString('base64url');
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ACCOUNT_ID = /^[1-9][0-9]{0,15}$/;
const LIFE_S = 15 * 60;
const GUESSES_WINDOW_S = 900;

const mac = (key, bytes) => createHmac('sha256', key).update(bytes).digest();
const json = (text) => JSON.parse(Buffer.from(text, 'base64url').toString());

/** The account of an access token, or null when it lets nobody in. */
export function readAccess(token) {
  const [header, payload, signature, more] = token.split('.');
  if (more !== undefined || signature === undefined) return null;
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== 32 || !timingSafeEqual(mac(KEYS.access, `${header}.${payload}`), given)) return null;
  if (header !== HEADER && json(header).alg !== 'HS256') return null;
  const { type, sid, sub, exp } = json(payload);
  if (type !== 'access' || !(exp > Date.now() / 1_000) || !UUID.test(sid) || !ACCOUNT_ID.test(sub) || revoked.has(sid))
    return null;
  return Number(sub);
}

function accessToken(account, sessionId, generation) {
  const nowS = Math.floor(Date.now() / 1_000);
  const signed = `${HEADER}.${Buffer.from(`{"iss":"edgechat","aud":"edgechat-api","type":"access","sid":"${sessionId}","sub":"${account}","gen":${generation},"iat":${nowS},"exp":${nowS + LIFE_S}}`).toString('base64url')}`;
  return `${signed}.${mac(KEYS.access, signed).toString('base64url')}`;
}

function refreshToken(sessionId, generation) {
  const signed = Buffer.alloc(20);
  signed.write(sessionId.replaceAll('-', ''), 'hex');
  signed.writeUInt32BE(generation, 16);
  return Buffer.concat([signed, mac(KEYS.refresh, signed)]).toString('base64url');
}

const hashOf = (text) => createHash('sha256').update(text).digest();
const tokens = (access_token, refresh_token) => ({ access_token, refresh_token, token_type: 'bearer' });

const CREDENTIALS = `
  select a.id, a.email_key, a.password_hash, exists (
    select from edgechat.login_addresses l where l.account_id = a.id and l.address_hash = $2::bytea and l.last_login_at > clock_timestamp() - interval '30 days'
  ) as is_known
  from edgechat.accounts a where a.email_key = $1::text`;
const OPEN = `
  with account as (
    select id from edgechat.accounts where id = $1::bigint and password_hash = $2::text for no key update
  ), session as (
    insert into edgechat.sessions (id, account_id, generation, unused_generation, token_hash, rotated_at, expires_at)
    select $3::uuid, id, $4::int, $4::int, $5::bytea, clock_timestamp(), clock_timestamp() + make_interval(days => $6::int) from account
  ), address as (
    insert into edgechat.login_addresses (account_id, address_hash, last_login_at) select id, $7::bytea, clock_timestamp() from account
    on conflict (account_id, address_hash) do update set last_login_at = excluded.last_login_at
  ), forgotten as (
    delete from edgechat.login_addresses where account_id = $1::bigint and address_hash in (
      select address_hash from edgechat.login_addresses where account_id = $1::bigint and address_hash <> $7::bytea order by last_login_at desc offset 99)
  ), swept as (
    delete from edgechat.sessions where id = any (array(
      select id from edgechat.sessions where account_id = $1::bigint and revoked_at < statement_timestamp() - interval '2 days' order by revoked_at limit 100))
  ), expired as (
    delete from edgechat.sessions where id = any (array(
      select id from edgechat.sessions where account_id = $1::bigint and revoked_at is null and expires_at < statement_timestamp() - interval '2 days' limit 100))
  )
  select id from account`;

const END_EXCESS = `
  update edgechat.sessions set revoked_at = clock_timestamp()
  where revoked_at is null and id = any (array(
    select id from edgechat.sessions where account_id = $1::bigint and id <> $2::uuid and revoked_at is null and expires_at > clock_timestamp()
    order by greatest(rotated_at, used_at) desc, id desc offset 49))
  returning id`;

export async function logIn(email, password, address) {
  const addressHash = mac(KEYS.pseudonym, `address\0${address}`);
  const [found] = await query('credentials', CREDENTIALS, [email.toLowerCase(), addressHash]);
  if (!found) throw problem(401, 'bad_credentials');
  const name = mac(KEYS.pseudonym, `account-name\0${found.email_key}`).toString('base64url');
  const from = addressHash.toString('base64url');
  const counters = found.is_known ? [`login-owner:${name}:${from}`] : [`login-name:${name}`, `login-address:${from}`];
  await Promise.all(counters.map((key) => count(key, 1, GUESSES_WINDOW_S)));
  if (!(await verify(found.password_hash, password))) throw problem(401, 'bad_credentials');
  await Promise.all(counters.map((key) => count(key, -1, GUESSES_WINDOW_S)));
  const sessionId = newId();
  const refresh = refreshToken(sessionId, 1);
  await transaction(async (run) => {
    await run('open', OPEN, [found.id, found.password_hash, sessionId, 1, hashOf(refresh), 7, addressHash]);
    await run('end-excess', END_EXCESS, [found.id, sessionId]);
  });
  return tokens(accessToken(found.id, sessionId, 1), refresh);
}

const ROTATE = `
  update edgechat.sessions
  set generation = generation + 1, unused_generation = generation + 1, previous_hash = token_hash, token_hash = $4::bytea, rotated_at = clock_timestamp(),
      expires_at = least(clock_timestamp() + make_interval(days => $5::int), created_at + interval '365 days')
  where id = $1::uuid and generation = $2::int and token_hash = $3::bytea and revoked_at is null and expires_at > clock_timestamp()
  returning account_id`;

export async function refresh(text) {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== 52 || !timingSafeEqual(mac(KEYS.refresh, bytes.subarray(0, 20)), bytes.subarray(20)))
    throw problem(401, 'bad_refresh_token');
  const hex = bytes.toString('hex', 0, 16);
  const sessionId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  const generation = bytes.readUInt32BE(16);
  const successor = refreshToken(sessionId, generation + 1);
  const [row] = await query('rotate', ROTATE, [sessionId, generation, hashOf(text), hashOf(successor), 7]);
  if (!row) throw problem(401, 'bad_refresh_token');
  return tokens(accessToken(row.account_id, sessionId, generation + 1), successor);
}
