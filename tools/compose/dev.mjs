import { connect } from 'node:net';
import { check, must } from './checks.mjs';
import { inspect } from './docker.mjs';
import { freePort, Stack } from './stack.mjs';

const PORTS = { postgres: 'POSTGRES_PORT', mongo: 'MONGO_PORT', redis: 'REDIS_PORT' };

const isOpen = (port) =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
      .once('connect', () => resolve(true) || socket.destroy())
      .once('error', () => resolve(false));
  });

async function checkLoopback(stack) {
  await stack.up(...Object.keys(PORTS));
  for (const [service, name] of Object.entries(PORTS)) {
    const bindings = Object.values(await inspect(await stack.container(service), '.NetworkSettings.Ports'))
      .flat()
      .filter(Boolean);
    must(bindings.length === 1 && bindings[0].HostIp === '127.0.0.1', `${service} is on loopback only`, bindings);
    must(await isOpen(Number(stack.env[name])), `${service} can be reached from here`);
  }
}

/** The overlay for development: the stores for programs outside of containers. */
export async function dev() {
  const stack = (await Stack.make('dev')).with('docker/compose.dev.yml');
  for (const name of Object.values(PORTS)) stack.with(null, { [name]: String(await freePort()) });
  try {
    await check('the dev overlay opens the stores on loopback, and nowhere else', () => checkLoopback(stack));
  } finally {
    await stack.compose('down', '-v', '--timeout', '5');
  }
}
