import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { eventually, sql, startStack, type Client, type Stack } from '@edgechat/testing';

const WORKER = join(import.meta.dirname, '../../../dist/apps/worker/main.js');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ apis: 1, workers: 1 });
});
afterAll(() => stack.close());

/** A command of the worker, as an operator gives it. Redis is not among its stores. */
function command(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly child: ChildProcessWithoutNullStreams; readonly output: () => string; readonly ended: Promise<Ended> } {
  const { DATABASE_URL, MONGODB_URL } = stack.stores.env;
  const child = spawn(process.execPath, [WORKER, ...args], {
    env: { PATH: process.env['PATH'], DATABASE_URL, MONGODB_URL, REDIS_URL: 'redis://127.0.0.1:1', ...env },
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      texts[name] += chunk.toString();
    });
  return {
    child,
    output: () => texts.stderr,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, ...texts }))),
  };
}
const start = (args: readonly string[], env = {}) => command(['admin', ...args], env);
function admin(args: readonly string[], input = ''): Promise<Ended> {
  const { child, ended } = start(args);
  child.stdin.end(input);
  return ended;
}
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

    const { child, ended } = command(['migrate']);
    child.stdin.end();
    expect((await ended).code).toBe(0);
    const verified = await admin(['verify']);

    const [low, high] = ids.sort((a, b) => a - b);
    expect([verified.code, verified.stdout]).toEqual([
      3,
      expect.stringContaining(
        `shared_mailbox: 1. two accounts have one e-mail address in two spellings; each logs in with its own\n  account ${low}, and account ${high}\n`,
      ),
    ]);
    for (const email of spellings)
      expect((await stack.client().post('/auth/login', { email, password: 'correct horse battery' })).status).toBe(200);
    await run('update edgechat.accounts set shared_mailbox_key = null where shared_mailbox_key is not null');
  });
});

describe('admin set-password', () => {
  const logIn = (client: Client, password: string) => client.post('/auth/login', { email: client.email, password });

  it('sets the password that it is given and ends all sessions', async () => {
    const client = await stack.client().register();

    const set = await admin(['set-password', client.email.toUpperCase()], 'a new password\r\nnot this line\n');

    expect(set).toMatchObject({ code: 0, stdout: '' });
    expect(set.stderr).not.toContain('a new password');
    expect((await stack.client().post('/auth/refresh', { refresh_token: client.refreshToken })).status).toBe(401);
    await eventually(async () => (await client.get('/auth/me')).status === 401, { withinMs: 6_000 });
    expect([
      (await logIn(client, 'a new password')).status,
      (await logIn(client, 'correct horse battery')).status,
    ]).toEqual([200, 401]);
  });

  it.each([
    ['of 7 characters', '7 chars'],
    ['of 1,025', 'x'.repeat(1_025)],
    ['that is not there', ''],
  ])('takes no password %s', async (_, password) => {
    const client = await stack.client().register();

    expect(await admin(['set-password', client.email], password)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('8 to 1024 characters'),
    });

    expect((await logIn(client, 'correct horse battery')).status).toBe(200);
  });

  it.each(['password\n', 'Edgechat1\n', 'ADDRESS\n'])('takes none that anybody guesses first: %j', async (typed) => {
    const client = await stack.client().register();

    expect(await admin(['set-password', client.email], typed.replace('ADDRESS', client.email))).toMatchObject({
      code: 1,
      stderr: 'This password is among the first that anybody guesses. Choose another. Nothing was changed.\n',
    });

    expect((await logIn(client, 'correct horse battery')).status).toBe(200);
  });

  it('sets the same password for every keyboard', async () => {
    const client = await stack.client().register();

    expect(await admin(['set-password', client.email], 'cre\u0300me bru\u0302le\u0301e 7\n')).toMatchObject({
      code: 0,
    });

    expect((await logIn(client, 'crème brûlée 7')).status).toBe(200);
  });

  it('says that an address has no account, or is none', async () => {
    expect(await admin(['set-password', 'nobody@example.com'], 'a new password\n')).toMatchObject({
      code: 1,
      stderr: 'There is no account with this e-mail address.\n',
    });
    expect(await admin(['set-password', 'nobody'], 'a new password\n')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no e-mail address'),
    });
  });
});

describe('admin lock-account', () => {
  it('ends the sessions of an account and keeps its owner out, until admin unlock-account; others go on', async () => {
    const [client, neighbour] = [await stack.client().register(), await stack.client().register()];
    const logIn = () => stack.client().post('/auth/login', { email: client.email, password: 'correct horse battery' });

    expect(await admin(['lock-account', client.email.toUpperCase()])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'The account is locked. 1 sessions ended: they are out within 5 s.\n',
    });

    expect((await stack.client().post('/auth/refresh', { refresh_token: client.refreshToken })).status).toBe(401);
    await eventually(async () => (await client.get('/auth/me')).status === 401, { withinMs: 6_000 });
    expect((await logIn()).body).toMatchObject({ status: 403, code: 'account_locked' });
    expect((await neighbour.get('/auth/me')).status).toBe(200);

    expect(await admin(['unlock-account', client.email])).toMatchObject({ code: 0, stdout: '' });
    expect((await logIn()).status).toBe(200);
  });

  it.each(['lock-account', 'unlock-account'])(
    'says that an address has no account, or is none: %s',
    async (command) => {
      expect(await admin([command, 'nobody@example.com'])).toMatchObject({
        code: 1,
        stderr: 'There is no account with this e-mail address.\n',
      });
      expect(await admin([command, 'nobody'])).toMatchObject({ code: 1, stderr: expect.stringContaining(command) });
    },
  );
});

describe('admin invite', () => {
  it('makes a code that lets so many people register where they need one', async () => {
    const made = await admin(['invite', '--uses', '2', '--days', '3']);
    expect(made).toMatchObject({ code: 0, stderr: expect.stringMatching(/^Good for 2 accounts until 20/) });
    expect(made.stdout).toMatch(/^([0-9A-Z]{4}-){6}[0-9A-Z]{4}\n$/);

    const api = await stack.add('api');
    await api.start({ REGISTRATION: 'invite' });
    const client = stack.client(stack.apis.indexOf(api));
    const register = (n: number) =>
      client.post('/auth/register', {
        email: `invited.${n}@example.com`,
        password: 'a fine old password 7',
        invite_code: made.stdout.trim(),
      });
    expect([(await register(1)).status, (await register(2)).status, (await register(3)).status]).toEqual([
      201, 201, 403,
    ]);
    await api.stop();
  });

  it.each([
    ['--uses', '0'],
    ['--uses', '10001'],
    ['--days', '366'],
    ['--days', 'x'],
  ])('makes none of %s %s', async (option, value) => {
    expect(await admin(['invite', option, value])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`${option} is a whole number`),
    });
    expect(await run('select 1 from edgechat.invites where uses_left not in (0, 1, 2)')).toEqual([]);
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
    const { child, output, ended } = start(['rebuild', 'search'], {
      MONGODB_URL: 'mongodb://127.0.0.1:1/edgechat?directConnection=true',
    });
    await eventually(() => output().includes('MongoDB cannot be reached yet'));

    child.kill('SIGINT');

    expect(await ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Interrupted. Nothing is broken: give the command again.'),
    });
  });
});

describe('admin events', () => {
  const logIn = (client: Client, password: string) => client.post('/auth/login', { email: client.email, password });
  const listed = async (args: readonly string[]): Promise<Record<string, unknown>[]> => {
    const { code, stdout } = await admin(['events', '--json', ...args]);
    expect(code).toBe(0);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  it('lists what happened to an account, newest first, and to nobody else', async () => {
    const [client, other] = [await stack.client().register(), await stack.client().register()];
    expect((await logIn(client, 'wrong')).status).toBe(401);
    expect((await other.post('/auth/logout', { refresh_token: other.refreshToken })).status).toBe(204);
    await eventually(async () => (await listed(['--email', other.email])).length === 2, { withinMs: 20_000 });

    const events = await listed(['--email', client.email.toUpperCase(), '--days', '1']);
    expect(events.map(({ kind }) => kind)).toEqual(['login.failed', 'account.registered']);
    const { id } = (await client.get('/auth/me')).body;
    for (const event of events) expect(event).toMatchObject({ accountId: id, count: 1 });
    expect(new Set(events.map(({ address }) => address)).size).toBe(1);

    const text = await admin(['events']);
    expect(text.stdout).toMatch(/^\S+Z {2}session\.ended {2}account \d+ {2}session \S{36} {2}address [0-9a-f]{16}$/m);
    expect(text.stdout).not.toContain('@');
  });

  it('says that an address has no account, or is none', async () => {
    const sentences = [
      ['nobody@example.com', 'There is no account with this e-mail address.'],
      ['nobody', 'This is no e-mail address.'],
    ] as const;
    for (const [email, sentence] of sentences)
      expect(await admin(['events', '--email', email])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(sentence),
      });
  });
});
