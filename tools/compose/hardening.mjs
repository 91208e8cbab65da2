import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, figure, must } from './checks.mjs';
import { Client } from './client.mjs';
import { docker, imageOf, inspect, LABEL, RUN, runOnce } from './docker.mjs';
import { Stack } from './stack.mjs';

const STORES = ['postgres', 'mongo', 'redis'];

/** What the images of the stores need until they have become their server's user, by the bit that the kernel counts it with. */
const CAPABILITIES = { CHOWN: 0, DAC_OVERRIDE: 1, FOWNER: 3, SETGID: 6, SETUID: 7, SETPCAP: 8 };
const maskOf = (names) => names.reduce((mask, name) => mask | (1n << BigInt(CAPABILITIES[name])), 0n);

/** The server of a container: an ordinary user, who has no capability and can get none. */
async function checkProcess(service, id) {
  const status = await docker('exec', id, 'cat', '/proc/1/status');
  const field = (name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1];
  const users = `${field('Uid')} ${field('Gid')}`.split(/\s+/);
  must(users.length === 8 && !users.includes('0'), `${service}: an ordinary user and group`, users);
  for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
    must(BigInt(`0x${field(name)}`) === 0n, `${service}: ${name} is empty`, field(name));
  const allowed = STORES.includes(service) ? maskOf(Object.keys(CAPABILITIES)) : 0n;
  const bounding = BigInt(`0x${field('CapBnd')}`);
  must((bounding & ~allowed) === 0n, `${service}: CapBnd has what its image needs, and nothing else`, field('CapBnd'));
  must(field('NoNewPrivs') === '1', `${service}: no new privileges`, status);
}

/** The root file system cannot be written, not by root either; what can is of a limited size, or a volume. */
async function checkFiles(service, id) {
  const mounts = (await docker('exec', id, 'cat', '/proc/mounts')).split('\n').map((line) => line.split(' '));
  const root = mounts.find(([, path]) => path === '/');
  must(root?.[3].split(',').includes('ro'), `${service}: the root file system is mounted read-only`, root);
  const unlimited = mounts.filter(
    ([, path, type, options]) =>
      type === 'tmpfs' &&
      !/^\/(dev|proc|sys)(\/|$)/.test(path) &&
      !/(^|,)size=\d/.test(options) &&
      !isReadOnly(options),
  );
  must(unlimited.length === 0, `${service}: each tmpfs has a size`, unlimited);
  const written = await docker('exec', '--user', '0', id, 'touch', '/usr/local/edgechat-test').catch(
    ({ message }) => message,
  );
  must(/read-only/i.test(written), `${service}: root cannot write a file`, written);
}
const isReadOnly = (options) => options.split(',').includes('ro');

async function checkLimits(service, id) {
  const host = await inspect(id, '.HostConfig');
  must(
    host.Memory > 0 && host.PidsLimit > 0 && host.LogConfig.Config['max-size'] !== undefined,
    `${service}: limits of memory, processes and log`,
    host,
  );
  must(
    host.CapDrop.join() === 'ALL' && !host.Privileged && host.SecurityOpt.join() === 'no-new-privileges:true',
    `${service}: no capability but those that are named`,
    host,
  );
}

async function checkContainers(stack, services) {
  for (const service of services)
    for (const id of await stack.containers(service)) {
      await checkProcess(service, id);
      await checkFiles(service, id);
      await checkLimits(service, id);
    }
}

/** Runs a shell script as root of the engine's machine, by that machine's own programs. */
const onMachine = (script) =>
  docker(
    ...['run', '--rm', '--label', LABEL, '--privileged', '--pid', 'host', '--network', 'host', '--user', '0'],
    ...['-v', '/:/machine', imageOf('worker'), 'chroot', '/machine', '/bin/sh', '-ec', script],
  );

const HOST = '198.51.100.1';
const OUTSIDE = '198.51.100.2';

/**
 * A machine outside, as far as the stack can see: a container on no network of Docker's, at the end of a cable that the engine's machine has plugged in.
 * It knows a way to that machine's own address alone, so it answers only who comes with it, as everybody on the internet does. With the container goes the cable.
 */
async function plugIn() {
  const serve = `require('node:http').createServer((_, answer) => answer.end('outside')).listen(8080)`;
  const id = await docker(
    'run',
    ...['-d', '--label', LABEL, '--network', 'none', imageOf('worker'), 'node', '-e', serve],
  );
  const pid = await inspect(id, '.State.Pid');
  const [here, there] = [`eh${pid}`, `eo${pid}`];
  await onMachine(`
    ip link add ${here} type veth peer name ${there}
    ip link set ${there} netns ${pid}
    ip addr add ${HOST}/30 dev ${here}
    ip link set ${here} up
    nsenter -t ${pid} -n ip addr add ${OUTSIDE}/30 dev ${there}
    nsenter -t ${pid} -n ip link set ${there} up`);
  return id;
}

/** A program that calls a URL and prints what comes back. Both times are longer than a busy machine takes for an answer. */
const call = (url, isAnswered) => [
  ...['node', '-e'],
  "fetch(process.argv[1], { signal: AbortSignal.timeout(Number(process.argv[2])) }).then((answer) => answer.text(), (error) => 'no answer: ' + (error.cause?.code ?? error.name)).then(console.log)",
  ...[url, isAnswered ? '30000' : '10000'],
];
const callOut = (isAnswered) => call(`http://${OUTSIDE}:8080`, isAnswered);

/** From the network of a running container, whatever programs that has. */
async function fromContainer(stack, service, isAnswered) {
  const network = `container:${await stack.container(service)}`;
  return (await runOnce(['--network', network], imageOf('worker'), ...callOut(isAnswered))).output;
}

/** From a container that is made for it, as the files of `stack` say. */
const fromNew = async (stack, service, isAnswered) =>
  (await stack.compose('run', '--rm', '-T', '--no-deps', service, ...callOut(isAnswered))).output;

/** Who calls out, whether an answer must come, and what came. */
function callers(stack, services) {
  const managed = stack.plus('docker/compose.managed.yml');
  return [
    ...services
      .filter((service) => service !== 'worker')
      .map((service) => ({ who: service, isAnswered: false, came: fromContainer(stack, service, false) })),
    { who: 'worker', isAnswered: true, came: fromContainer(stack, 'worker', true) },
    { who: 'migrate', isAnswered: false, came: fromNew(stack, 'migrate', false) },
    { who: 'api with stores elsewhere', isAnswered: true, came: fromNew(managed, 'api', true) },
    { who: 'migrate with stores elsewhere', isAnswered: true, came: fromNew(managed, 'migrate', true) },
  ];
}

async function checkWayOut(stack, services) {
  const outside = await plugIn();
  try {
    const all = callers(stack, services);
    const outputs = await Promise.all(all.map(({ came }) => came));
    for (const [i, { who, isAnswered }] of all.entries()) {
      const word = /^(outside|no answer.*)$/m.exec(outputs[i])?.[1];
      must(word !== undefined, `${who}: the call ends with a word`, outputs[i]);
      must((word === 'outside') === isAnswered, `${who} ${isAnswered ? 'gets an' : 'gets no'} answer`, word);
    }
    const { port } = new URL(stack.url);
    const seen = await docker('exec', outside, ...call(`http://${HOST}:${port}/api/v1/health/started`, true));
    must(seen.includes('"status"'), 'the published port answers who is outside', seen);
  } finally {
    await docker('rm', '-fv', outside);
  }
}

/** A name that is not one of the stack's: the query comes to the container itself, and so can carry nothing out. */
async function checkNames(stack, service) {
  // Answers as a server that refuses does, so that Docker's own resolver does not wait for it.
  const ask = `
    let caught = false;
    const server = require('node:dgram').createSocket('udp4').on('message', (query, from) => {
      caught = true;
      query[2] |= 0x80;
      query[3] = 5;
      server.send(query, from.port, from.address);
    });
    server.bind(53, '127.0.0.1', () =>
      require('node:dns').lookup('a-secret.example.com', (error) => console.log(caught, error?.code) || process.exit()));`;
  const { stdout, output } = await runOnce(
    ['--network', `container:${await stack.container(service)}`, '--user', '0', '--cap-add', 'NET_BIND_SERVICE'],
    imageOf('worker'),
    ...['node', '-e', ask],
  );
  must(stdout.startsWith('true '), `${service}: the query stays in the container`, output);
}

/** The stores without the limits, as releases had them whose volumes people have. */
const BEFORE = `services:\n${STORES.map((service) => `  ${service}: { cap_drop: !reset [], cap_add: !reset [], read_only: false, tmpfs: !reset [] }\n`).join('')}`;

/** Containers without the limits are replaced by those with them, on volumes that belong to somebody else by now (as after a copy by hand). */
async function checkOldVolumes() {
  const folder = mkdtempSync(join(tmpdir(), `${RUN}-`));
  const before = (await Stack.make('volumes')).with(join(folder, 'before.yml'));
  const after = before.plus();
  after.files = ['docker-compose.yml'];
  try {
    writeFileSync(join(folder, 'before.yml'), BEFORE);
    await before.up('api');
    const client = await new Client(before.url).register();
    const conversation = await client.conversation('off');
    must((await client.send(conversation, 'before')).status === 200, 'a send');
    await before.do('stop');
    for (const store of STORES) {
      const volume = `${before.project}_${store}_data:/volume`;
      const { code, output } = await runOnce(
        ['--user', '0', '--cap-add', 'CHOWN', '--cap-add', 'DAC_OVERRIDE', '-v', volume],
        imageOf('worker'),
        ...['chown', '-R', '12345:12345', '/volume'],
      );
      must(code === 0, `${store}: the volume changes hands`, output);
    }
    await after.up('api');
    await checkContainers(after, STORES);
    must((await client.send(conversation, 'after')).status === 200, 'the next send');
    const texts = (await client.messages(conversation)).map(({ content }) => content);
    must(texts.join() === 'before,after', 'nothing is lost', texts);
  } finally {
    await before.compose('down', '-v', '--timeout', '5');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What each container of a running stack may do, and whom it may call. */
export async function hardening(stack, how) {
  const services = (await stack.do('ps', '--services')).split('\n').sort();
  figure(`containers looked at, ${how}`, services.join(' '));
  await check(`${how}: no server has a capability or a file system to write, and each has its limits`, () =>
    checkContainers(stack, services),
  );
  await check(`${how}: the worker alone can call out; who is outside reaches the published port`, () =>
    checkWayOut(stack, services),
  );
  await check(`${how}: names that the API and the proxy ask for stay in their containers`, async () => {
    for (const service of services.filter((one) => one === 'api' || one === 'proxy')) await checkNames(stack, service);
  });
}

/** An upgrade of a stack whose stores had more rights. */
export async function oldVolumes() {
  await check('stores take over volumes of a stack without these limits, and of another owner', checkOldVolumes);
}
