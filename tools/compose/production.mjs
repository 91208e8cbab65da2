import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as requestPlain } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { check, must } from './checks.mjs';
import { inspect, ROOT, run, RUN } from './docker.mjs';
import { productionRoles } from './roles.mjs';
import { freePort, Stack } from './stack.mjs';

const OVERLAYS = ['docker/compose.scale.yml', 'docker/compose.production.yml'];

/** Sends a request and hears its answer out. */
function answerTo(sent, body) {
  return new Promise((resolve, reject) => {
    sent.on('response', (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('data', (data) => (text += data))
        .on('end', () => resolve({ status: response.statusCode, location: response.headers.location, text }));
    });
    sent.on('error', reject).end(body);
  });
}

/** Calls over TLS without asking who signed the certificate: it is one of our own. */
async function call(port, method, path, { body, token } = {}) {
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const options = { host: '127.0.0.1', port, method, path: `/api/v1${path}`, headers, timeout: 30_000 };
  const sent = request({ ...options, rejectUnauthorized: false });
  const { status, text } = await answerTo(sent, body === undefined ? undefined : JSON.stringify(body));
  return { status, body: JSON.parse(text || '{}') };
}

/** The secrets as people make them, a key of a provider, and a certificate. Gives the variables. */
async function makeSecrets(folder) {
  const { code, stdout, output } = await run(join(ROOT, 'docker/make-secrets'), [join(folder, 'secrets')]);
  must(code === 0, 'docker/make-secrets', output);
  const [key, certificate, provider] = ['tls_key', 'tls_certificate', 'gemini_api_key'].map((name) =>
    join(folder, 'secrets', name),
  );
  const made = await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  must(made.code === 0, 'openssl makes a certificate', made.output);
  await run('chmod', ['644', key, certificate]);
  writeFileSync(provider, 'no-real-key\n', { mode: 0o644 });
  return {
    ...parseEnv(stdout),
    TLS_KEY_FILE: key,
    TLS_CERTIFICATE_FILE: certificate,
    GEMINI_API_KEY_FILE: provider,
    CORS_ORIGINS: 'https://chat.example.com',
    AI_TOKENS_PER_DAY: '1000000',
  };
}

async function checkAskedFor() {
  const stack = await Stack.make('asks');
  for (const file of OVERLAYS) stack.with(file);
  const { code, output } = await stack
    .with(null, { CORS_ORIGINS: 'https://chat.example.com', AI_TOKENS_PER_DAY: 'unlimited' })
    .compose('up', '-d');
  must(code !== 0 && output.includes('_FILE must name'), 'a sentence that says what to do', output);
  const rest = Object.fromEntries(
    [
      'DATABASE_URL',
      'MONGODB_URL',
      'REDIS_URL',
      'POSTGRES_PASSWORD',
      'MONGO_PASSWORD',
      'REDIS_CONF',
      'TLS_CERTIFICATE',
      'TLS_KEY',
    ].map((name) => [`${name}_FILE`, '/dev/null']),
  );
  const last = await stack.with(null, rest).compose('up', '-d');
  must(
    last.code !== 0 &&
      last.output.includes('JWT_SECRET is missing: JWT_SECRET_FILE must name a file with 32 random bytes or more'),
    'JWT_SECRET is asked for',
    last.output,
  );
}

async function checkServes(stack, ports) {
  await stack.up();
  must((await call(ports.https, 'GET', '/health/started')).status === 200, 'started, over TLS');
  const { body } = await call(ports.https, 'POST', '/auth/register', {
    body: { email: 'one@example.com', password: 'correct horse battery' },
  });
  const token = body.access_token;
  const made = await call(ports.https, 'POST', '/chat/conversations', { body: { assistant: 'off' }, token });
  const sent = await call(ports.https, 'POST', `/chat/conversations/${made.body.id}/messages`, {
    body: { content: 'in production' },
    token,
  });
  must(sent.status === 200, 'a send is taken', sent.body);
}

/** What plain HTTP is answered when the client names this host. */
const callPlain = (port, host) =>
  answerTo(requestPlain({ host: '127.0.0.1', port, path: '/api/v1/health?q=1', headers: { host } }));

/** Plain HTTP is sent to PUBLIC_HOST, never to the host that a client names; without one it is sent nowhere. */
async function checkPlainHttp(stack, ports) {
  const unset = await callPlain(ports.http, 'evil.example');
  must(unset.status === 403 && unset.location === undefined, 'without PUBLIC_HOST nobody is redirected', unset);
  must(unset.text.includes('PUBLIC_HOST'), 'and the operator is told of it', unset);
  stack.with(null, { PUBLIC_HOST: 'chat.example.com' });
  await stack.up();
  const set = await callPlain(ports.http, 'evil.example');
  must(
    set.status === 308 && set.location === 'https://chat.example.com/api/v1/health?q=1',
    'with it everybody is redirected there',
    set,
  );
  stack.with(null, { PUBLIC_HOST: 'chat.example.com;}' });
  const refused = await stack.compose('run', '--rm', '--no-deps', '-T', 'proxy');
  must(
    refused.code === 1 && /^PUBLIC_HOST must be the host name of this server/m.test(refused.output),
    'what is no host name ends the start with one sentence',
    refused,
  );
  stack.with(null, { PUBLIC_HOST: 'chat.example.com' });
}

/** No secret is in what `docker inspect` shows, and no store lets in who has no password. */
async function checkKept(stack, variables) {
  const secrets = Object.entries(variables)
    .filter(([name]) => /^(JWT|POSTGRES|MONGO_)/.test(name))
    .map(([, file]) => readFileSync(file, 'utf8').trim());
  must(secrets.length === 3 && secrets.every((secret) => secret.length >= 32), 'the secrets were made');
  for (const service of ['api', 'worker', 'postgres', 'mongo', 'redis', 'proxy']) {
    const shown = JSON.stringify(await inspect(await stack.container(service), '.'));
    must(!secrets.some((secret) => shown.includes(secret)), `${service}: docker inspect shows no secret`);
  }
  const redis = await stack.compose('exec', '-T', 'redis', 'redis-cli', 'dbsize');
  must(redis.output.includes('NOAUTH'), 'Redis asks for its password', redis.output);
  const postgres = await stack.compose(
    'exec',
    '-T',
    '-e',
    'PGPASSWORD=edgechat',
    'postgres',
    'psql',
    '-h',
    'postgres',
    '-U',
    'edgechat',
    '-d',
    'edgechat',
    '-c',
    'select 1',
  );
  must(
    postgres.code !== 0 && postgres.output.includes('password authentication failed'),
    'PostgreSQL asks for its password',
    postgres.output,
  );
}

/** The overlay for a public server. */
export async function production() {
  const folder = mkdtempSync(join(tmpdir(), `${RUN}-`));
  const ports = { http: await freePort(), https: await freePort() };
  const stack = new Stack('production', ports.http);
  for (const file of OVERLAYS) stack.with(file);
  try {
    await check('production without secrets is refused with a sentence that says what to do', checkAskedFor);
    const variables = await check('docker/make-secrets makes what production needs', () => makeSecrets(folder));
    stack.with(null, { ...variables, HTTP_PORT: String(ports.http), HTTPS_PORT: String(ports.https) });
    await check('production serves over TLS, with secrets from files', () => checkServes(stack, ports));
    await check('plain HTTP is redirected to PUBLIC_HOST only', () => checkPlainHttp(stack, ports));
    await productionRoles(stack);
    await check('secrets do not show, and the stores ask for their passwords', () => checkKept(stack, variables));
  } finally {
    await stack.compose('down', '-v', '--timeout', '5');
    rmSync(folder, { recursive: true, force: true });
  }
}
