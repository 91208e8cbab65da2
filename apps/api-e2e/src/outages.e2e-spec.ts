import { eventually, startFragileStack, type Client, type OwnEngines, type Stack } from '@edgechat/testing';

let stack: Stack<OwnEngines>;
let client: Client;
beforeAll(async () => {
  stack = await startFragileStack({ apis: 2, workers: 2 });
  client = await stack.client(0).register();
});
afterAll(() => stack.close());

/** No call may take longer than its deadlines: PostgreSQL 5 s and a queue of one batch before it; an answer is waited for besides. */
const LONGEST_MS = 15_000;
const OUTAGE_MS = 6_000;

interface Fate {
  readonly content: string;
  readonly status: number;
  readonly ms: number;
}

/** Sends one message after the other on both APIs for `ms`, repeating 503 with the same key until it is taken; gives the fate of each try. */
async function sendUnderFire(
  conversation: string,
  lane: number,
  ms: number,
): Promise<{ tries: Fate[]; accepted: string[] }> {
  const until = Date.now() + ms;
  const tries: Fate[] = [];
  const accepted: string[] = [];
  for (let n = 0; Date.now() < until; n += 1) {
    const content = `lane ${lane} message ${n}`;
    for (let isTaken = false; !isTaken;) {
      const beganAt = Date.now();
      const api = client.at(stack.url((lane + tries.length) % 2));
      const { status } = await api.send(conversation, content, content);
      tries.push({ content, status, ms: Date.now() - beganAt });
      isTaken = status === 200;
      if (!isTaken) await new Promise((resolve) => setTimeout(resolve, 200));
    }
    accepted.push(content);
  }
  return { tries, accepted };
}

const FAULTS = (['postgres', 'mongo', 'redis'] as const).flatMap((store) => [
  {
    store,
    fault: 'killed',
    hit: (): Promise<void> => stack.stores[store].kill(),
    heal: (): Promise<void> => stack.stores[store].restart(),
  },
  {
    store,
    fault: 'hung',
    hit: (): Promise<void> => Promise.resolve(stack.stores[store].hang()),
    heal: (): Promise<void> => Promise.resolve(stack.stores[store].resume()),
  },
]);

describe.each(FAULTS)('guarantees 3 and 4: $store is $fault for some seconds during sends', ({ store, hit, heal }) => {
  it('and nothing accepted is lost or doubled, no call hangs, and every process recovers by itself', async () => {
    const conversations = await Promise.all([
      client.conversation({ assistant: 'off' }),
      client.conversation({ assistant: 'off' }),
      client.conversation(),
    ]);
    const lanes = conversations.map((conversation, lane) => sendUnderFire(conversation, lane, OUTAGE_MS + 6_000));
    await new Promise((resolve) => setTimeout(resolve, 1_000));

    await hit();
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
    await heal();
    const results = await Promise.all(lanes);

    const fates = results.flatMap(({ tries }) => tries);
    expect(fates.filter(({ status }) => ![200, 503].includes(status))).toEqual([]);
    expect(fates.filter(({ ms }) => ms > LONGEST_MS)).toEqual([]);
    for (const [lane, conversation] of conversations.entries()) {
      const seen = await eventually(() => client.messages(conversation));
      expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, i) => i + 1));
      expect(seen.filter(({ role }) => role === 'user').map(({ content }) => content)).toEqual(results[lane]?.accepted);
    }
    const answered = (await client.messages(conversations[2] ?? '')).filter(({ role }) => role === 'model');
    expect(new Set(answered.map(({ answers_seq }) => answers_seq)).size).toBe(answered.length);
    await eventually(async () => (await client.get('/health/ready')).status === 200);
    expect([...stack.apis, ...stack.workers].every(({ isRunning }) => isRunning)).toBe(true);
    expect(store).toBeDefined();
  });
});

describe('a process that starts before its stores', () => {
  it('waits for them, says so in /health/started, and serves once they are there', async () => {
    await stack.stores.postgres.kill();
    const api = await stack.add('api');
    await api.start({}, { waits: false });
    const early = stack.client(stack.apis.indexOf(api));
    await eventually(async () => (await early.get('/health')).status === 200);
    expect((await early.get('/health/started')).status).toBe(503);

    await stack.stores.postgres.restart();
    await api.started();

    expect((await early.at(early.url).register()).token).not.toBeNull();
    await stack.stores.postgres.kill();
    expect((await early.get('/health/started')).status).toBe(200);
    expect((await early.get('/health/ready')).status).toBe(503);
    await stack.stores.postgres.restart();
  });
});
