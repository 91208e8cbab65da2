import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, eventually, figure, must } from './checks.mjs';
import { Client } from './client.mjs';
import { docker, imageOf, inspect, LABEL, ROOT, run, RUN } from './docker.mjs';
import { Stack } from './stack.mjs';

const STRANGERS = readFileSync(join(ROOT, 'tools/compose/strangers.mjs'), 'utf8');
/** What a client may have in its URL, headers and body, and no log may. */
const MARKED = ['marked-query', 'marked-token', 'marked-body'];

/** Lets strangers loose on the proxy of a stack, from one address that is not the tests'. Resolves to what they tell in the end. */
async function strangers(stack, kind, count, path, holdS = 40) {
  const networks = await inspect(await stack.container('proxy'), '.NetworkSettings.Networks');
  const options = ['--rm', '-i', '--label', LABEL, '--network', Object.keys(networks)[0], '--ulimit', 'nofile=20000'];
  const { code, stdout, output } = await run(
    'docker',
    [
      'run',
      ...options,
      imageOf('worker'),
      'node',
      '--input-type=module',
      '-',
      kind,
      String(count),
      path,
      String(holdS),
    ],
    { input: STRANGERS, timeoutMs: 120_000 },
  );
  must(code === 0, 'the strangers end', output.slice(-500));
  return JSON.parse(stdout);
}

const inProxy = (stack, script) => stack.do('exec', '-T', 'proxy', 'sh', '-c', script);

/** The connections of clients that the proxy has open. */
const connections = async (stack) =>
  Number(await inProxy(stack, "grep -c ' [0-9A-F]*:1F40 [0-9A-F:]* 01 ' /proc/net/tcp || true"));

const open = (stack, atLeast) =>
  eventually(`${atLeast} connections are open`, async () => (await connections(stack)) >= atLeast);

/** All that the proxy holds: KiB of files, MiB of memory. */
async function held(stack) {
  const kib = Number(await inProxy(stack, "df -k /tmp | awk 'END { print $(NF - 3) }'"));
  const usage = await docker('stats', '--no-stream', '--format', '{{.MemUsage}}', await stack.container('proxy'));
  return { kib, mib: Number(/^([\d.]+)MiB/.exec(usage)?.[1]) };
}

/** Somebody who means no harm: everything goes as always. */
async function bystander(stack) {
  const client = await new Client(stack.url).register();
  const conversation = await client.conversation('off');
  for (let n = 0; n < 5; n += 1) {
    const { status, body } = await client.send(conversation, `Do you hear me? ${n} ${'x'.repeat(20_000)}`);
    must(status === 200, 'a send of a bystander is taken', { status, body });
  }
  must((await client.messages(conversation)).length === 5, 'and read');
}

/** Uploads that do not end and readers that do not read are held in no file, disturb nobody, and are ended. */
async function checkSlowClients(stack) {
  const before = await connections(stack);
  const uploads = strangers(stack, 'upload', 100, '/api/v1/auth/login?q=marked-query');
  const readers = strangers(stack, 'deaf', 30, '/docs/swagger-ui-bundle.js?q=marked-query', 20);
  await open(stack, before + 110);
  await bystander(stack);
  const { kib, mib } = await held(stack);
  figure(
    '100 unfinished uploads of 1 MiB and 30 readers that do not read: the proxy holds',
    `${kib} KiB in files, ${mib} MiB`,
  );
  must(kib < 64 && mib < 100, 'nothing of them is in files, little in memory', { kib, mib });
  const { open: left } = await uploads;
  must(left === 0, 'uploads that are silent are ended', left);
  await eventually('readers that read nothing are ended', async () => (await connections(stack)) <= before + 5);
  await readers;
}

/** Sends bytes to the proxy and resolves to what came back by the time `isEnough` says so, or the connection ended. */
function raw(stack, bytes, isEnough = () => false) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(stack.env.PORT) });
    let text = '';
    const end = () => socket.destroy() && resolve(text);
    socket.setTimeout(20_000, end).on('error', end).on('close', end);
    socket.on('data', (data) => {
      text += data;
      if (isEnough(text, socket)) end();
    });
    socket.write(bytes);
  });
}

const head = (path, lines = []) => [`GET ${path} HTTP/1.1`, 'Host: x', ...lines, '', ''].join('\r\n');

async function checkKernel(stack) {
  const limits = await inProxy(stack, 'cd /proc/sys/net/ipv4 && cat tcp_tw_reuse tcp_rmem tcp_wmem | xargs');
  must(limits === '1 4096 32768 65536 4096 16384 131072', 'it is set as docker/compose.scale.yml says', limits);
}

async function checkUpgrade(stack) {
  const upgrade = (protocol) => ['Connection: Upgrade', `Upgrade: ${protocol}`, 'Sec-WebSocket-Key: a2V5'];
  const echoed = await raw(stack, head('/socket', upgrade('websocket')), (text, socket) => {
    if (text.endsWith('}\n')) socket.write('ping');
    return text.endsWith('echo ping');
  });
  must(
    echoed.startsWith('HTTP/1.1 101') && /"upgrade":"websocket".*"sec-websocket-key":"a2V5"/.test(echoed),
    'a WebSocket opens, with its headers, and both sides are heard',
    echoed,
  );
  const plain = await raw(stack, head('/socket', upgrade('h2c')), (text) => text.includes('"bytes"'));
  must(plain.startsWith('HTTP/1.1 200') && !plain.includes('h2c'), 'no other protocol gets through', plain);
  const events = await raw(stack, head('/events'), (text) => text.includes('data: first\n\n'));
  must(events.includes('data: first\n\n'), 'what is told as it happens is not held back', events);
}

/** A body's call is answered by what the API says, also when it says so early; what nginx refuses is a problem document like the API's. */
async function checkBodies(stack) {
  const post = async (path, bytes) => {
    const body = `"marked-body${'x'.repeat(bytes - 14)}"`;
    const headers = { 'content-type': 'application/json', 'x-request-id': 'marked.1' };
    const answer = await fetch(`${stack.url}${path}?q=marked-query`, { method: 'POST', body, headers });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };
  const whole = await post('/whole', 409_600);
  must(whole.status === 200 && whole.body.bytes === 409_600 - 1, 'a body arrives as it was sent', whole.body);
  must(whole.body.headers['x-request-id'] === 'marked.1', 'with its request id', whole.body.headers);
  for (let n = 0; n < 10; n += 1)
    must((await post('/early', 900_000)).status === 401, 'a refusal that comes before the body was read is read');
  const large = await post('/whole', 1_100_000);
  mustBeProblem(large, 413, 'body_too_large');
  must(large.body.request_id === 'marked.1', 'with the request id', large.body);
  const broken = await post('/broken', 1_000);
  mustBeProblem(broken, 503, 'service_unavailable');
  must(broken.headers.get('retry-after') === '1', 'when to come back', Object.fromEntries(broken.headers));
  const { calls } = (await post('/whole', 100)).status && (await (await fetch(`${stack.url}/state`)).json());
  must(calls['/broken'] === 1, 'a POST that was sent is not repeated', calls);
}

function mustBeProblem({ status, headers, body }, wanted, code) {
  const type = headers.get('content-type');
  must(
    status === wanted && type === 'application/problem+json' && body.code === code && body.status === wanted,
    `a problem document ${code}`,
    { status, type, body },
  );
}

/** One address has at most 500 requests under way; another one notices nothing. */
async function checkPerAddress(stack) {
  const told = strangers(stack, 'ask', 600, '/never?q=marked-query', 8);
  await open(stack, 500);
  const { underWay } = await (await fetch(`${stack.url}/state`)).json();
  const { statuses, example } = await told;
  must(statuses['429'] === 100 && Object.keys(statuses).length === 1, '100 of 600 are refused', statuses);
  must(underWay <= 501, 'the API had no more than 500 of them', underWay);
  must(example.includes('"code":"too_many_requests"') && /^retry-after: 1\r$/im.test(example), 'and told so', example);
}

/** Headers that do not end count for no address yet: there is room for many. */
async function checkHalfOpen(stack) {
  const told = strangers(stack, 'half', 10_000, '/never?q=marked-query', 20);
  // (How many are open at once depends on how fast this machine opens them: each is ended after 10 s.)
  await open(stack, 3_000);
  let most = 0;
  for (let n = 0; n < 20; n += 1) {
    if (n % 5 === 0) most = Math.max(most, await connections(stack));
    must((await fetch(`${stack.url}/state`)).status === 200, 'a bystander is answered');
  }
  figure(`${most} headers that do not end at once: the proxy holds`, `${(await held(stack)).mib} MiB`);
  must((await told).opened >= 10_000, 'there were as many');
  await eventually('all are ended', async () => (await connections(stack)) < 10);
}

/** What the proxy writes of all this: that requests failed or were refused, and nothing of what was in them. */
async function checkLog(stack) {
  await docker('stop', await stack.container('api'));
  const away = await fetch(`${stack.url}/away?q=marked-query`, { headers: { authorization: 'Bearer marked-token' } });
  must(away.status === 503, 'without an API: 503', away.status);
  await raw(stack, 'GET /?q=marked-query BROKEN\r\n\r\n');
  const text = await stack.logs(await stack.container('proxy'));
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  const of = (status, words) => lines.filter((line) => JSON.parse(line).status === status && line.includes(words));
  must(of(429, 'an address has').length >= 100, 'refusals are told', lines.slice(-3));
  must(of(503, '"upstreamStatus":"502"').length >= 1, 'and what the API did not answer', lines.slice(-3));
  must(of(503, 'no API was found').length >= 1, 'and that there is none', lines.slice(-3));
  const leaks = text.split('\n').filter((line) => MARKED.some((word) => line.includes(word)));
  must(leaks.length === 0, 'no query, token or body', leaks.slice(0, 3));
}

const SCRIPTED = `
services:
  api:
    command: ['node', '/scripted-api.mjs']
    depends_on: !reset {}
    healthcheck: { test: ['CMD', 'true'], interval: 1s }
    configs: [{ source: scripted_api, target: /scripted-api.mjs }]
configs:
  scripted_api: { file: '${join(ROOT, 'tools/compose/scripted-api.mjs')}' }
`;

/** The proxy alone, before an API that does what it is told. */
async function scripted() {
  const folder = mkdtempSync(join(tmpdir(), `${RUN}-`));
  const overlay = join(folder, 'overlay.yml');
  writeFileSync(overlay, SCRIPTED);
  const stack = (await Stack.make('proxy')).with('docker/compose.scale.yml').with(overlay);
  try {
    await check('the proxy starts before an API of ours', () => stack.up('proxy'));
    await check('the kernel gives ports back at once, and holds little of a connection', () => checkKernel(stack));
    await check('WebSockets and events go through the proxy as they come', () => checkUpgrade(stack));
    await check('early refusals are read through the proxy; what it refuses itself is a problem document', () =>
      checkBodies(stack),
    );
    await check('one address has at most 500 requests under way', () => checkPerAddress(stack));
    await check('unfinished headers by the thousand from one address, and a bystander is served', () =>
      checkHalfOpen(stack),
    );
    await check('the log of the proxy tells failures and refusals, and no query, token or body', () => checkLog(stack));
  } finally {
    await stack.compose('down', '-v', '--timeout', '5');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `stack` runs with the scale overlay. */
export async function proxy(stack) {
  await check('slow uploads and slow readers fill nothing, disturb nobody, and are ended', () =>
    checkSlowClients(stack),
  );
  await scripted();
}
