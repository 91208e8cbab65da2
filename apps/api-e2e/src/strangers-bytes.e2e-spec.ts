import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { eventually, startStack, type Client, type Stack } from '@edgechat/testing';

/** What an API under attack may take; without limits it took more than 500 MiB of either attack. */
const MEMORY_MAX_MIB = 380;

interface Attacker {
  readonly socket: Socket;
  /** The status of each answer so far. */
  readonly statuses: () => number[];
}

/** Strangers make the API hold bytes, with the limits that are the default; others do not notice. */
describe('bytes that strangers make the API hold', () => {
  let stack: Stack;
  let honest: Client;
  let conversation: string;
  let attackers: Attacker[] = [];
  beforeAll(async () => {
    stack = await startStack({ apis: 1, workers: 1 });
    honest = await stack.client().register();
    conversation = await honest.conversation({ assistant: 'off' });
  });
  afterEach(() => {
    for (const { socket } of attackers) socket.destroy();
    attackers = [];
  });
  afterAll(() => stack.close());

  const memoryMiB = (): number => {
    const status = readFileSync(`/proc/${stack.apis[0]?.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
  };

  /** Sends bytes, and reads what is answered unless told not to. */
  const attack = (bytes: string, { reads = true } = {}): Promise<Attacker> => {
    const { hostname, port } = new URL(stack.url(0));
    let text = '';
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      socket.on('error', () => undefined).once('close', () => resolve(attacker));
      if (reads) socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      else socket.pause();
      const statuses = (): number[] => Array.from(text.matchAll(/HTTP\/1\.1 (\d{3})/g), ([, status]) => Number(status));
      const attacker = { socket, statuses };
      attackers.push(attacker);
      socket.once('connect', () => setImmediate(() => resolve(attacker)));
    });
  };

  const body = (path: string, { announced, sent, token = '' }: Body): string =>
    [
      `POST /api/v1${path} HTTP/1.1`,
      'Host: api.example',
      'Content-Type: application/json',
      `Content-Length: ${announced}`,
      ...(token === '' ? [] : [`Authorization: Bearer ${token}`]),
      '',
      `"${'x'.repeat(sent - 1)}`,
    ].join('\r\n');

  const answered = (status: number): number => attackers.filter(({ statuses }) => statuses().includes(status)).length;

  /** What honest people do, and what they must be answered. */
  const expectServed = async (): Promise<void> => {
    for (let n = 0; n < 5; n += 1) {
      expect((await honest.send(conversation, 'an honest message of ordinary words')).status).toBe(200);
      expect((await honest.get(`/chat/conversations/${conversation}/messages?limit=20`)).status).toBe(200);
      expect((await stack.client().get('/health')).status).toBe(200);
    }
  };

  it('of 450 bodies without a token, each unfinished, are those of 50', async () => {
    for (let n = 0; n < 450; n += 1) await attack(body('/auth/login', { announced: 1_048_576, sent: 1_048_000 }));
    await eventually(() => answered(429) === 400, { withinMs: 60_000 });
    expect(attackers.filter(({ statuses }) => statuses().length === 0)).toHaveLength(50);
    await expectServed();
    expect(memoryMiB()).toBeLessThan(MEMORY_MAX_MIB);

    const login = { email: honest.email, password: 'correct horse battery' };
    for (const { socket } of attackers) socket.destroy();
    await eventually(async () => (await stack.client().post('/auth/login', login)).status === 200);
  }, 120_000);

  it('of 450 bodies of one account are as many as fit; those that hold more than others are ended for them', async () => {
    const { token } = await stack.client().register();
    for (let n = 0; n < 450; n += 1)
      await attack(body('/ai/complete', { announced: 524_288, sent: 524_000, token: token ?? '' }));
    // 64 MiB are 128 of 512 KiB.
    await eventually(() => answered(503) >= 450 - 128, { withinMs: 60_000 });
    await expectServed();
    expect((await honest.send(conversation, 'x'.repeat(32_000))).status).toBe(200);
    expect(memoryMiB()).toBeLessThan(MEMORY_MAX_MIB);
  }, 120_000);

  it('of 450 bodies in pieces of one byte are no more than of their bytes', async () => {
    const head = body('/auth/login', { announced: 0, sent: 1 }).replace(
      'Content-Length: 0',
      'Transfer-Encoding: chunked',
    );
    for (let n = 0; n < 450; n += 1) await attack(`${head.slice(0, -1)}${'1\r\nx\r\n'.repeat(2_000)}`);
    await eventually(() => answered(429) === 400, { withinMs: 60_000 });
    await expectServed();
    expect(memoryMiB()).toBeLessThan(MEMORY_MAX_MIB);
  }, 120_000);

  it('of answers that 12 accounts never read are 64 MiB; who reads gets theirs', async () => {
    const readers = await Promise.all(Array.from({ length: 12 }, () => stack.client().register()));
    const ids = await Promise.all(readers.map(async (reader) => Number((await reader.get('/auth/me')).body['id'])));
    const group = await honest.conversation({ kind: 'group', assistant: 'off', member_ids: ids });
    // One character that is not Latin-1: two bytes for each of the others, as a string in memory.
    for (let n = 0; n < 100; n += 1) expect((await honest.send(group, `${'x '.repeat(15_999)}क`)).status).toBe(200);

    const path = `/chat/conversations/${group}/messages?limit=100`;
    for (let round = 0; round < 15; round += 1) {
      await Promise.all(readers.map(({ token }) => attack(request(path, token ?? ''), { reads: false })));
      expect((await stack.client().get('/health')).status).toBe(200);
    }
    // (The reads of so many large pages at once may take a moment to end.)
    await eventually(async () => (await honest.get(path)).status === 200);
    await expectServed();
    const whole = await honest.get(path);
    expect([whole.status, whole.body['messages'].length]).toEqual([200, 100]);
    expect(memoryMiB()).toBeLessThan(MEMORY_MAX_MIB);
  }, 180_000);

  it('of 20,000 requests on one connection, none of whose answers is read, are those of 16', async () => {
    const flood = await attack(request('/auth/me', honest.token ?? '').repeat(20_000), { reads: false });
    await expectServed();
    await eventually(() => {
      flood.socket.write('x');
      return flood.socket.destroyed;
    });
    expect(memoryMiB()).toBeLessThan(MEMORY_MAX_MIB);
  }, 60_000);
});

const request = (path: string, token: string): string =>
  `GET /api/v1${path} HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer ${token}\r\n\r\n`;

interface Body {
  readonly announced: number;
  readonly sent: number;
  readonly token?: string;
}
