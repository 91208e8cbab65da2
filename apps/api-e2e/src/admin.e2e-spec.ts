import { eventually, sql, startStack, type Stack } from '@edgechat/testing';
import { AdminCommands, type Ended } from './admin-command.js';

let stack: Stack;
let commands: AdminCommands;
beforeAll(async () => {
  stack = await startStack({ apis: 1, workers: 1 });
  commands = new AdminCommands(stack);
});
afterAll(() => stack.close());

const admin = (args: readonly string[], input = ''): Promise<Ended> => commands.admin(args, input);
const run = <Row extends object>(text: string, ...values: unknown[]): Promise<Row[]> =>
  sql(stack.databaseUrl, text, values);
const verdict = ({ stdout }: Ended): string => stdout.trimEnd().split('\n').at(-1) ?? '';

describe('admin verify', () => {
  it('ends with 0 and what it has seen while people send, and with 3 and the place where something is wrong; the rebuilds mend it', async () => {
    const client = await stack.client().register();
    const conversation = await client.conversation({ kind: 'group' });
    let sent = 0;
    let isOver = false;
    const traffic = (async () => {
      for (; !isOver; sent += 1) expect((await client.send(conversation, `message ${sent + 1}`)).status).toBe(200);
    })();
    await eventually(() => sent >= 20);

    const busy = await admin(['verify']);
    isOver = true;
    await traffic;
    expect([busy.code, busy.stderr]).toEqual([0, expect.not.stringContaining('rror')]);
    expect(verdict(busy)).toMatch(/^verify: 0 problems in [0-9,]+ conversations, [0-9,]+ messages, [0-9,]+ documents$/);

    await eventually(async () => (await run('select 1 from edgechat.outbox')).length === 0);
    await run('delete from edgechat.search_words where conversation_id = $1 and seq = 7', conversation);
    await run(
      `update edgechat.inbox set ordered_at = ordered_at - interval '1 minute' where conversation_id = $1`,
      conversation,
    );
    const wrong = await admin(['verify']);
    expect(wrong.code).toBe(3);
    expect(wrong.stdout).toContain(
      `not_indexed: 1. the message is not in the search index, and nobody owes that\n  conversation ${conversation}, message 7\n`,
    );
    expect(wrong.stdout).toContain('wrong_inbox_order: 1.');
    expect(verdict(wrong)).toMatch(/^verify: 2 problems in /);

    for (const what of ['inbox', 'search'])
      expect(await admin(['rebuild', what, '--conversation', conversation])).toMatchObject({ code: 0, stdout: '' });
    const mended = await admin(['verify']);
    expect([mended.code, verdict(mended)]).toEqual([0, expect.stringContaining('verify: 0 problems')]);
    expect(
      (await client.get(`/search?q=message 7&conversation_id=${conversation}`)).body['hits'].map(
        ({ message }: { message: { seq: number } }) => message.seq,
      ),
    ).toContain(7);
  });
});

describe('admin verify, where two accounts have one mailbox', () => {
  it('lists both, and each logs in as before', async () => {
    const [one, other] = [await stack.client().register(), await stack.client().register()];
    const local = one.email.split('@')[0];
    const spellings = [`${local}@bücher.example`, `${local}@xn--bcher-kva.example`];
    const ids = [];
    for (const [n, client] of [one, other].entries()) {
      // As the release before knew them: by a key of their own each.
      await run(
        'update edgechat.accounts set email = $2, email_key = $2, mailbox_key = null where email = $1',
        client.email,
        spellings[n],
      );
      ids.push(Number((await client.get('/auth/me')).body['id']));
    }

    const { MIGRATE_DATABASE_URL } = stack.stores.appEnv;
    const { child, ended } = commands.command(['migrate'], { MIGRATE_DATABASE_URL });
    child.stdin.end();
    expect((await ended).code).toBe(0);
    const verified = await admin(['verify']);

    const [low, high] = ids.sort((a, b) => a - b);
    expect([verified.code, verified.stdout]).toEqual([
      0,
      expect.stringContaining(
        `shared_mailbox: 1. two accounts have one e-mail address in two spellings; each logs in with its own\n  account ${low}, and account ${high}\n`,
      ),
    ]);
    for (const email of spellings)
      expect((await stack.client().post('/auth/login', { email, password: 'correct horse battery' })).status).toBe(200);
    await run('update edgechat.accounts set shared_mailbox_key = null where shared_mailbox_key is not null');
  });
});

describe("an operator's command", () => {
  it('that does not exist ends with 1 and those that do', async () => {
    expect(await admin(['rebuild', 'everything'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('admin rebuild search [--conversation ID]'),
    });
  });

  it('asks for the id of a conversation that can be one, and for a yes before it removes', async () => {
    expect(await admin(['rebuild', 'search', '--conversation', '7'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no id of a conversation'),
    });
    expect(await admin(['messages', 'wipe'])).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') });
  });

  it('waits for its stores, and ends with a sentence when it is interrupted', async () => {
    const { child, output, ended } = commands.command(['admin', 'rebuild', 'search'], {
      MONGODB_URL: 'mongodb://127.0.0.1:1/edgechat?directConnection=true',
    });
    await eventually(() => output().includes('MongoDB (MONGODB_URL) cannot be used yet'));

    child.kill('SIGINT');

    expect(await ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Interrupted. Nothing is broken: give the command again.'),
    });
  });
});
