import { check, eventually, figure, must } from './checks.mjs';
import { Client } from './client.mjs';
import { docker, inspect, killFromOutside } from './docker.mjs';
import { Load, mustBeWhole } from './load.mjs';
import { healthy, Stack } from './stack.mjs';

const SERVICES = ['api', 'worker', 'postgres', 'mongo', 'redis'];

async function firstUp(stack) {
  const beganAt = Date.now();
  await stack.up();
  const { model_message: answer } = await ask(stack, 'Hello! Who are you?');
  figure(
    'from `up` to the first answer',
    `${((Date.now() - beganAt) / 1_000).toFixed(1)} s (images built, no volume yet)`,
  );
  must(answer.content.length > 0, 'an answer', answer);
}

async function ask(stack, content) {
  const client = await new Client(stack.url).register();
  const { status, body } = await client.send(await client.conversation(), content);
  must(status === 200, 'a send is answered', { status, body });
  return body;
}

async function secondUp(stack) {
  const before = await Promise.all(SERVICES.map((service) => stack.container(service)));
  await stack.up();
  must(
    JSON.stringify(before) === JSON.stringify(await Promise.all(SERVICES.map((service) => stack.container(service)))),
    'the same containers',
  );
}

/** Only the API's port is open outside, engines have no way out, and each has its limits. */
async function checkSettings(stack) {
  for (const service of SERVICES) {
    const { HostConfig: host, NetworkSettings: network } = await inspect(await stack.container(service), '.');
    const published = Object.entries(network.Ports)
      .filter(([, bindings]) => bindings?.length > 0)
      .map(([port]) => port);
    must(published.join() === (service === 'api' ? '8000/tcp' : ''), `${service}: published ports`, published);
    must(
      host.Memory > 0 &&
        host.PidsLimit > 0 &&
        host.RestartPolicy.Name === 'unless-stopped' &&
        host.LogConfig.Config['max-size'] === '10m',
      `${service}: limits, restarts, log rotation`,
      host,
    );
    if (service === 'api' || service === 'worker')
      must(host.ReadonlyRootfs && host.CapDrop.join() === 'ALL', `${service}: read-only, without capabilities`);
    else
      must(
        Object.keys(network.Networks).join() === `${stack.project}_stores`,
        `${service}: on the inner network only`,
        Object.keys(network.Networks),
      );
  }
  must(await inspect(`${stack.project}_stores`, '.Internal'), 'the network of the stores has no way out');
  await checkRedis(stack);
}

/** Prompts and answers pass through Redis: no file has them. It refuses writes before the container's limit would end it. */
async function checkRedis(stack) {
  const wanted = { appendonly: 'no', save: '', maxmemory: String(400 * 1024 * 1024), 'maxmemory-policy': 'noeviction' };
  for (const [name, value] of Object.entries(wanted)) {
    const [, is = ''] = (await stack.do('exec', '-T', 'redis', 'redis-cli', 'config', 'get', name)).split(/\r?\n/);
    must(is === value, `Redis has ${name} "${value}"`, is);
  }
  const files = await stack.do('exec', '-T', 'redis', 'ls', '-A', '/data');
  must(files.trim() === '', 'Redis has written no file', files);
}

async function memoryAtRest(stack) {
  const stats = await docker(
    'stats',
    '--no-stream',
    '--format',
    '{{.Name}}={{.MemUsage}}',
    ...(await Promise.all(SERVICES.map((service) => stack.container(service)))),
  );
  for (const line of stats.split('\n')) {
    const [, service, mib] = /-(\w+)-1=([\d.]+)MiB/.exec(line) ?? [];
    must(service !== undefined, 'MiB are told', line);
    figure('memory at rest', `${service} ${mib} MiB`);
    // Half of its limit: what is left is for work.
    must(Number(mib) <= 256 || service === 'mongo', `${service} at rest`, line);
  }
}

/** With the worker held, the index row of a message is owed; once it goes on, the row is paid and the words are there. */
async function checkSearchDebt(stack) {
  const client = await new Client(stack.url).register();
  const conversation = await client.conversation('off');
  const worker = await stack.container('worker');
  await docker('pause', worker);
  try {
    const { status } = await client.send(conversation, 'Lighthouse keepers write letters');
    must(status === 200, 'the send is taken without a worker', status);
    must(
      (await stack.sql(
        `select count(*) from edgechat.outbox where conversation_id = '${conversation}' and kind = 'search'`,
      )) === '1',
      'the index row is owed',
    );
  } finally {
    await docker('unpause', worker);
  }
  await eventually('nothing is owed, and the words are indexed', async () => {
    const counts = await stack.sql(
      `select (select count(*) from edgechat.outbox where conversation_id = '${conversation}'), (select count(*) from edgechat.search_words where conversation_id = '${conversation}' and words::text like '%lighthouse%')`,
    );
    return counts === '0|1';
  });
}

async function checkDownAndUp(stack) {
  const client = await new Client(stack.url).register();
  const conversation = await client.conversation();
  await client.send(conversation, 'Still there?');
  const before = JSON.stringify(await client.messages(conversation));
  await stack.down();
  must(
    (await docker('ps', '-aq', '--filter', `label=com.docker.compose.project=${stack.project}`)) === '',
    'no container is left',
  );
  await stack.up();
  must(JSON.stringify(await client.messages(conversation)) === before, 'the same messages, with the same token');
  must((await client.send(conversation, 'And now?')).body.user_message?.seq === 3, 'the conversation goes on');
}

/** A crash, and not a wish: the restart policy brings the container back. */
async function checkKill(stack, load, service) {
  const id = await stack.container(service);
  const before = await inspect(id, '.RestartCount');
  await load.more(5);
  await killFromOutside(id);
  await eventually('its restart policy has acted', async () => (await inspect(id, '.RestartCount')) > before);
  await healthy(id);
  await load.more(20);
}

/** The stack as it is without any setting: `docker compose up`. Leaves it running. */
export async function base() {
  const stack = await Stack.make('base');
  await check('up --wait works with nothing set, and the first question is answered', () => firstUp(stack));
  await check('a second up returns 0 and changes nothing', () => secondUp(stack));
  await check('one port is published; limits, networks and Redis are set as they must be', () => checkSettings(stack));
  await check('at rest each process stays small', () => memoryAtRest(stack));
  await check('a search row is owed, then done', () => checkSearchDebt(stack));
  await check('after down and up the data is there', () => checkDownAndUp(stack));
  const load = await Load.start(stack.url);
  for (const service of SERVICES)
    await check(`SIGKILL of ${service} under sends: it comes back, and sends are taken again`, () =>
      checkKill(stack, load, service),
    );
  await check('after all these kills nothing accepted is lost or doubled', async () => {
    const result = await load.end();
    figure('kills of each container in turn', JSON.stringify(result));
    mustBeWhole(result);
  });
  return stack;
}
