import { randomUUID } from 'node:crypto';
import { check, eventually, figure, must } from './checks.mjs';
import { Client } from './client.mjs';
import { docker } from './docker.mjs';
import { Load, mustBeWhole } from './load.mjs';
import { restart } from './stack.mjs';

const REPLICAS = ['--scale', 'api=3', '--scale', 'worker=3'];

async function scaleUp(stack) {
  stack.with('docker/compose.scale.yml', { LOG_LEVEL: 'debug' });
  await stack.up(...REPLICAS);
  for (const service of ['api', 'worker']) must((await stack.containers(service)).length === 3, `three of ${service}`);
}

async function checkSpread(stack) {
  const load = await Load.start(stack.url);
  await load.more(150);
  mustBeWhole(await load.end());
  for (const [service, line] of [
    ['api', /"method":"POST".*"answered"/],
    ['worker', /"job":"assistant\.reply-to-message"/],
  ]) {
    for (const id of await stack.containers(service)) {
      await eventually(
        `${service} ${id.slice(0, 12)} has its share`,
        async () => (await stack.logs(id)).split('\n').some((text) => line.test(text)),
        5_000,
      );
    }
  }
}

async function checkRequestId(stack) {
  const requestId = randomUUID();
  const client = await new Client(stack.url).register();
  const { status } = await client.send(await client.conversation(), 'Who carries this id?', {
    headers: { 'x-request-id': requestId },
  });
  must(status === 200, 'the send is answered', status);
  for (const service of ['api', 'worker']) {
    await eventually(
      `the id is in the log of one ${service}`,
      async () => {
        const logs = await Promise.all((await stack.containers(service)).map((id) => stack.logs(id)));
        return logs.some((text) => text.includes(requestId));
      },
      10_000,
    );
  }
}

/** The proxy replaces what a client claims: the API counts on real addresses. */
async function checkForwarded(stack) {
  const answer = await new Client(stack.url).call('GET', '/health/started', undefined, {
    headers: { 'x-forwarded-for': '203.0.113.7' },
  });
  must(answer.status === 200, 'the proxy answers', answer);
  const config = await stack.do('exec', '-T', 'proxy', 'cat', '/etc/edgechat/api.conf');
  must(config.includes('X-Forwarded-For $remote_addr'), 'the address is set, not added to');
}

/** What is left for who calls without an account and claims these addresses one after the other. */
async function leftFor(stack, addresses) {
  const client = new Client(stack.url);
  const left = [];
  for (const address of addresses) {
    const { headers } = await client.call('GET', '/auth/me', undefined, { headers: { 'x-forwarded-for': address } });
    left.push(Number(/r=([0-9]+)/.exec(headers.get('ratelimit') ?? '')?.[1]));
  }
  return left;
}

/** A proxy before the stack's own is believed once it is named, and nobody else. */
async function checkProxyBefore(stack) {
  const [one, other, ...rest] = await leftFor(stack, ['203.0.113.1', '203.0.113.2']);
  must(other === one - 1 && rest.length === 0, 'without PROXY_TRUSTED one address is counted', { one, other });
  stack.with(null, { PROXY_TRUSTED: '10.0.0.0/8, 172.16.0.0/12,192.168.0.0/16' });
  await stack.up(...REPLICAS);
  const left = await leftFor(stack, ['203.0.113.3', '203.0.113.4', '198.51.100.1, 203.0.113.3', '203.0.113.3']);
  must(left.join() === '99,99,98,97', 'with it each client is counted, and only its last address is believed', left);
  stack.with(null, { PROXY_TRUSTED: '' });
  await stack.up(...REPLICAS);
}

/** Restarts every replica of both processes, one at a time, and says how the load fared. */
async function checkRollingRestart(stack) {
  const load = await Load.start(stack.url, 24);
  await load.more(10);
  for (const service of ['api', 'worker']) {
    for (const id of await stack.containers(service)) {
      const { exitCode, tookMs } = await restart(id);
      must(exitCode === 0 && tookMs < 12_000, `${service} ends in order within 12 s`, { exitCode, tookMs });
    }
  }
  await load.more(24);
  const result = await load.end();
  figure('rolling restart of 3 API and 3 worker replicas', JSON.stringify(result));
  mustBeWhole(result);
}

/** Replaces one replica by the next release: the old one goes, one more of the service comes. */
async function replace(stack, service, id) {
  await docker('stop', '--timeout', '20', id);
  await docker('rm', id);
  await stack.up('--no-deps', '--no-recreate', ...REPLICAS, 'api', 'worker');
  must((await stack.containers(service)).length === 3, `three of ${service} again`);
}

/**
 * An upgrade over a migration that adds: migrate first, then old processes restart on the new schema (as after a crash), then each is replaced.
 * @param version the tag of the next release's images
 */
async function checkRollingUpgrade(stack, version) {
  const load = await Load.start(stack.url, 24);
  const old = { api: await stack.containers('api'), worker: await stack.containers('worker') };
  stack.with(null, { EDGECHAT_VERSION: version });
  await stack.do('run', '--rm', '--no-deps', '-T', 'migrate');
  must(
    (await stack.sql(
      "select count(*) from information_schema.columns where table_schema = 'edgechat' and column_name = 'added_by_test'",
    )) === '1',
    'the migration was run',
  );
  for (const service of ['api', 'worker']) await restart(old[service][0]);
  await load.more(24);
  for (const service of ['api', 'worker']) for (const id of old[service]) await replace(stack, service, id);
  await load.more(24);
  const result = await load.end();
  figure('rolling upgrade over an added column', JSON.stringify(result));
  mustBeWhole(result);
}

/** Several replicas behind the proxy, on the data that the base stack left. */
export async function scale(stack, nextVersion) {
  await check('the scale overlay: three replicas of each behind a proxy', () => scaleUp(stack));
  await check('sends and answers spread over all replicas', () => checkSpread(stack));
  await check("one request id is in an API's log and in a worker's", () => checkRequestId(stack));
  await check('nobody can claim an address through the proxy', () => checkForwarded(stack));
  await check('a proxy before the proxy is believed when PROXY_TRUSTED names it', () => checkProxyBefore(stack));
  await check('a rolling restart under load loses nothing and doubles nothing', () => checkRollingRestart(stack));
  await check(
    'a rolling upgrade over a migration under load, old processes restarting on the new schema, loses and doubles nothing',
    () => checkRollingUpgrade(stack, nextVersion),
  );
}
