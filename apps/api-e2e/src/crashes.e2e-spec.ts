import { eventually, sql, startStack, type AppProcess, type Client, type Stack } from '@edgechat/testing';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 1, workers: 0 });
});
afterAll(() => stack.close());

const debts = async (conversation: string): Promise<number> =>
  Number(
    (
      await sql<{ n: string }>(
        stack.databaseUrl,
        'select count(*) as n from edgechat.outbox where conversation_id = $1',
        [conversation],
      )
    )[0]?.n,
  );
const noDebts = (conversation: string): Promise<unknown> =>
  eventually(async () => (await debts(conversation)) === 0, { withinMs: 20_000 });
const charges = async (conversation: string): Promise<number> =>
  Number(
    (
      await sql<{ n: string }>(
        stack.databaseUrl,
        'select count(*) as n from edgechat.answer_usage where conversation_id = $1',
        [conversation],
      )
    )[0]?.n,
  );

/** Runs a further process that dies at a named point, for the time of `use`, and then a healthy one if asked. */
async function withWorker(env: Record<string, string>, use: (worker: AppProcess) => Promise<void>): Promise<void> {
  const worker = await stack.add('worker');
  await worker.start(env);
  try {
    await use(worker);
  } finally {
    await worker.stop('SIGKILL');
  }
}

async function apiThatDies(at: string): Promise<{ process: AppProcess; client: (of: Client) => Client }> {
  const process = await stack.add('api');
  await process.start({ KILL_AT: at });
  const url = stack.url(stack.apis.indexOf(process));
  return { process, client: (of) => of.at(url) };
}

describe('guarantees 3, 4 and 5: an API that is killed in the middle of a send', () => {
  it.each(['send.committed', 'send.stored', 'send.rung'])(
    'at %s loses nothing: the message is kept, its work is done, its answer is one',
    async (point) => {
      const client = await stack.client(0).register();
      const conversation = await client.conversation();
      const dying = await apiThatDies(point);

      await expect(dying.client(client).send(conversation, `killed at ${point}`, 'k')).rejects.toThrow();
      expect(await dying.process.exited()).toBeNull();

      await withWorker({}, async () => {
        const repeat = await client.send(conversation, `killed at ${point}`, 'k');
        expect([repeat.status, repeat.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
        expect((await client.messages(conversation)).map(({ seq, role }) => [seq, role])).toEqual([
          [1, 'user'],
          [2, 'model'],
        ]);
        await noDebts(conversation);
        expect(await charges(conversation)).toBe(1);
      });
      expect(stack.provider.requests(`killed at ${point}`)).toHaveLength(1);
    },
  );
});

describe('guarantees 4 and 5: a worker that is killed', () => {
  it.each(['reply.answered', 'reply.appended'])('at %s leaves one answer, charged once', async (point) => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation();
    const dying = await stack.add('worker');
    await dying.start({ KILL_AT: point });

    const sending = client.send(conversation, `worker killed at ${point}`, 'k');
    await dying.exited();

    await withWorker({}, async () => {
      const answer = await sending;
      expect(answer.status).toBe(200);
      expect(answer.body['model_message'].content).toBe(`echo: worker killed at ${point}`);
      expect(await client.messages(conversation)).toHaveLength(2);
      await noDebts(conversation);
      expect(await charges(conversation)).toBe(1);
    });
  });

  it.each([1, 2])('after the effect of its job %s leaves no debt and doubles nothing', async (n) => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation();
    const dying = await stack.add('worker');
    await dying.start({ KILL_AT: 'job.done', KILL_AFTER: String(n) });

    const sending = client.send(conversation, `job ${n}`, 'k');
    await dying.exited();

    await withWorker({}, async () => {
      expect((await sending).status).toBe(200);
      await noDebts(conversation);
      expect(await client.messages(conversation)).toHaveLength(2);
      expect(await charges(conversation)).toBe(1);
    });
    expect(stack.provider.requests(`job ${n}`).length).toBeLessThanOrEqual(2);
  });

  it('after the effect of a purge leaves nothing of a deleted conversation but its second purge', async () => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation({ assistant: 'off' });
    await withWorker({}, async () => {
      await client.send(conversation, 'to be purged');
      await noDebts(conversation);
    });
    const dying = await stack.add('worker');
    await dying.start({ KILL_AT: 'job.done' });

    expect((await client.call('DELETE', `/chat/conversations/${conversation}`)).status).toBe(204);
    await dying.exited();

    await withWorker({}, async () => {
      const rows = await sql<{ n: string }>(
        stack.databaseUrl,
        'select count(*) as n from edgechat.messages where conversation_id = $1',
        [conversation],
      );
      expect(Number(rows[0]?.n)).toBe(0);
      await eventually(async () => (await debts(conversation)) === 1);
    });
  });

  it('while the provider thinks is followed by another within seconds', async () => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation();
    const dying = await stack.add('worker');
    await dying.start();
    const question = 'thinks [[hang x1]]';

    const sending = client.send(conversation, question, 'k');
    await eventually(() => stack.provider.requests(question).length === 1);
    await dying.stop('SIGKILL');

    await withWorker({}, async () => {
      expect((await sending).body['model_message'].content).toBe(`echo: ${question}`);
      expect(await client.messages(conversation)).toHaveLength(2);
      expect(await charges(conversation)).toBe(1);
    });
  });
});

describe('guarantee 4: Redis is emptied', () => {
  it('between accept and work, and the work is done all the same', async () => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation();

    const sending = client.send(conversation, 'flushed', 'k');
    await eventually(async () => (await debts(conversation)) > 0);
    await flush();

    await withWorker({}, async () => {
      expect((await sending).body['model_message'].content).toBe('echo: flushed');
      await noDebts(conversation);
      const [row] = await sql<{ n: string }>(
        stack.databaseUrl,
        'select count(*) as n from edgechat.search_words where conversation_id = $1',
        [conversation],
      );
      expect(Number(row?.n)).toBe(2);
    });
  });

  it('again and again under sends, and every message has one answer', async () => {
    const client = await stack.client(0).register();
    const conversations = await Promise.all(Array.from({ length: 8 }, () => client.conversation()));

    await withWorker({}, async () => {
      const sends = conversations.map((conversation, n) => client.send(conversation, `under fire ${n}`, 'k'));
      for (let i = 0; i < 5; i += 1) await flush();
      const answers = await Promise.all(sends);
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
      for (const conversation of conversations) expect(await client.messages(conversation)).toHaveLength(2);
      await Promise.all(conversations.map(noDebts));
    });
  });
});

describe('a conversation that is deleted', () => {
  it('is gone for the sender who still waits for its answer', async () => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation();
    const sending = client.send(conversation, 'never answered');
    await eventually(async () => (await debts(conversation)) > 0);

    expect((await client.call('DELETE', `/chat/conversations/${conversation}`)).status).toBe(204);

    expect([(await sending).status, (await sending).body['detail']]).toEqual([404, 'Conversation not found']);
  });

  it('right after its sends, while their work is done, is deleted at the first try', async () => {
    const client = await stack.client(0).register();
    await withWorker({}, async () => {
      const statuses = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const conversation = await client.conversation({ assistant: 'off' });
          await Promise.all(Array.from({ length: 5 }, (_, n) => client.send(conversation, `short-lived ${n}`)));
          return (await client.call('DELETE', `/chat/conversations/${conversation}`)).status;
        }),
      );
      expect(statuses).toEqual(Array(20).fill(204));
    });
  });
});

describe('a stop in good order', () => {
  it('of a worker gives its answer back, and another starts over without waiting for the lease to end', async () => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation();
    const question = 'handed over [[hang x1]]';
    const epoch = async (): Promise<number> =>
      Number(
        (
          await sql<{ epoch: number }>(
            stack.databaseUrl,
            'select epoch from edgechat.replies where conversation_id = $1',
            [conversation],
          )
        )[0]?.epoch,
      );
    await withWorker({}, async (stopping) => {
      const sending = client.send(conversation, question, 'k');
      await eventually(() => stack.provider.requests(question).length === 1);
      const before = await epoch();

      await withWorker({}, async () => {
        expect(await stopping.stop('SIGTERM')).toBe(0);
        // Given back is a new epoch, in the database before the worker has ended.
        expect(await epoch()).toBeGreaterThan(before);
        expect((await sending).body['model_message'].content).toBe(`echo: ${question}`);
      });
    });
    expect(stack.provider.requests(question)).toHaveLength(2);
  });

  it('of a worker leaves the prompt of /ai/complete to another', async () => {
    const client = await stack.client(0).register();
    await withWorker({}, async (stopping) => {
      const asking = client.post('/ai/complete', { prompt: 'handed on [[hang x1]]' });
      await eventually(() => stack.provider.requests('handed on [[hang x1]]').length === 1);
      await withWorker({}, async () => {
        expect(await stopping.stop('SIGTERM')).toBe(0);
        expect((await asking).body).toMatchObject({ text: 'echo: handed on [[hang x1]]' });
      });
    });
  });

  it('of an API answers the sends that still wait with 503 answer_pending and the kept message', async () => {
    const client = await stack.client(0).register();
    const conversation = await client.conversation();
    const stopping = await stack.add('api');
    await stopping.start({ DRAIN_TIMEOUT_MS: '500' });
    const sending = client.at(stack.url(stack.apis.indexOf(stopping))).send(conversation, 'nobody answers', 'k');
    await eventually(async () => (await debts(conversation)) > 0);

    const exit = stopping.stop('SIGTERM');
    const answer = await sending;

    expect([answer.status, answer.body['code'], answer.headers.get('retry-after')]).toEqual([
      503,
      'answer_pending',
      '1',
    ]);
    expect(answer.body['user_message']).toMatchObject({ seq: 1, content: 'nobody answers' });
    expect(await exit).toBe(0);
    await withWorker({}, async () => {
      expect((await client.send(conversation, 'nobody answers', 'k')).status).toBe(200);
      await noDebts(conversation);
    });
  });
});

async function flush(): Promise<void> {
  const { Redis } = await import('ioredis');
  const client = new Redis(stack.stores.env.REDIS_URL, { lazyConnect: true });
  await client.connect();
  await client.flushall();
  client.disconnect();
}
