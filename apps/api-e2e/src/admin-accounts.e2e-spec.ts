import { eventually, sql, startStack, type Client, type Stack } from '@edgechat/testing';
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
