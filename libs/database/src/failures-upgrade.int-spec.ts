import { loadConfig } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { ownDatabase, sql } from '@edgechat/testing';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions, MIGRATIONS } from './data-source.js';
import { migrate } from './migrate.js';
import { Failures1795694400000 } from './migrations/1795694400000-failures.js';

/** What the release before sends, by its statements: it runs on the new schema until all of its processes are gone. */
describe('the migration that names failures', () => {
  let database: Awaited<ReturnType<typeof ownDatabase>>;
  const run = <Row extends object = Record<string, unknown>>(text: string, values: unknown[] = []) =>
    sql<Row>(database.url, text, values);
  let made = 0;
  const newId = (): string => `019ab4c2-7d1e-7b3a-9c55-${String((made += 1)).padStart(12, '0')}`;
  const send = (more: object, content = 'x') =>
    run(
      'select outcome, seq::int, reply_status from edgechat.send_messages($1::json, null, null, null, null, null, null)',
      [JSON.stringify([{ n: 0, content, content_hash: content, message_id: newId(), ...more }])],
    );
  const ask = (conversation_id: string, client_key = 'k') =>
    send({
      conversation_id,
      author: 1,
      client_key,
      reply_id: newId(),
      answer_within_ms: 60_000,
      mentions_assistant: false,
    });
  const claim = (id: string) =>
    run<{ id: string; epoch: number; status: string }>('select * from edgechat.claim_reply($1, 4000, 4)', [id]);
  const fail = (id: string, epoch: number | undefined, code: string) =>
    run(
      `update edgechat.replies set status = 'failed', lease_until = null, failure_code = $3, retry_after_s = null where conversation_id = $1 and question_seq = 1 and epoch = $2 and status = 'running' returning id`,
      [id, epoch, code],
    );
  const conversation = async (): Promise<string> => {
    const id = newId();
    await run(
      `select * from edgechat.make_conversation($1, 1, 'assistant', null, 'always', null, 'h', '{}', 500, 500)`,
      [id],
    );
    return id;
  };
  const replyIn = (id: string) =>
    run(
      'select status, coalesce(failure, failure_code) as failed_for, failure_code from edgechat.replies where conversation_id = $1',
      [id],
    );
  let [failedBefore, doneBefore] = ['', ''];
  let worker: pg.Client;
  /** As a worker of the release before claims: its connections have prepared it before the migration. */
  const claimPrepared = async (id: string): Promise<Record<string, unknown>[]> =>
    (
      await worker.query<Record<string, unknown>>({
        name: 'replies.claim',
        text: `select r.*, (select c.kind from edgechat.conversations c where c.id = r.conversation_id) as kind, extract(epoch from r.deadline_at - clock_timestamp())::float8 * 1000 as left_ms from edgechat.claim_reply($1, 4000, $2) r`,
        values: [id, 4],
      })
    ).rows;

  beforeAll(async () => {
    database = await ownDatabase();
    const [config, log] = [loadConfig({ DATABASE_URL: database.url }, 'worker'), new Log('test', 'silent')];
    await run('create schema edgechat');
    const before = MIGRATIONS.slice(0, MIGRATIONS.indexOf(Failures1795694400000));
    const source = await new DataSource({
      ...dataSourceOptions(config, log, 'test'),
      migrations: before,
    }).initialize();
    await source.runMigrations();
    await source.destroy();
    await run(`insert into edgechat.accounts (id, email, email_key, password_hash) values (1, 'one', 'one', '')`);
    [failedBefore, doneBefore] = [await conversation(), await conversation()];
    for (const id of [failedBefore, doneBefore]) await ask(id);
    await fail(failedBefore, (await claim(failedBefore))[0]?.epoch, 'ai_quota_exceeded');
    await answer(doneBefore, await claim(doneBefore));
    worker = new pg.Client({ connectionString: database.url });
    await worker.connect();
    // (From the sixth time on its plan may be kept.)
    for (let n = 0; n < 9; n += 1) await claimPrepared(doneBefore);

    await migrate(config, log);
  });
  afterAll(async () => {
    await worker.end();
    await database.drop();
  });

  const answer = (conversation_id: string, [reply]: { id: string; epoch: number }[]) =>
    send(
      {
        conversation_id,
        author: 0,
        client_key: reply?.id,
        question_seq: 1,
        epoch: reply?.epoch,
        provider: 'p',
        model: 'm',
        tokens_in: 3,
        tokens_out: 4,
        finish_reason: 'stop',
      },
      'answer',
    );
  const charged = (id: string) =>
    run('select tokens_in, tokens_out, counted_calls from edgechat.answer_usage where conversation_id = $1', [id]);

  it('leaves what failed and what was charged before as it was, and a repeat asks anew', async () => {
    expect(await replyIn(failedBefore)).toEqual([
      { status: 'failed', failed_for: 'ai_quota_exceeded', failure_code: 'ai_quota_exceeded' },
    ]);
    expect(await charged(doneBefore)).toEqual([{ tokens_in: 3, tokens_out: 4, counted_calls: [] }]);
    expect(await ask(failedBefore)).toMatchObject([{ outcome: 'replayed', reply_status: 'queued' }]);
    expect(await ask(doneBefore)).toMatchObject([{ outcome: 'replayed', reply_status: 'done' }]);
  });

  it('has the release before send, claim, answer and charge as ever', async () => {
    const id = await conversation();
    expect(await ask(id)).toEqual([{ outcome: 'sent', seq: 1, reply_status: 'queued' }]);
    expect(await answer(id, await claim(id))).toMatchObject([{ outcome: 'sent', seq: 2 }]);
    expect(await replyIn(id)).toEqual([{ status: 'done', failed_for: null, failure_code: null }]);
    expect(await charged(id)).toEqual([{ tokens_in: 3, tokens_out: 4, counted_calls: [] }]);
  });

  it('goes on giving replies to connections that prepared the claim before, whenever they plan it anew', async () => {
    for (const table of ['conversations', 'replies']) {
      const id = await conversation();
      await ask(id);
      await run(`analyze edgechat.${table}`);
      const [reply] = await claimPrepared(id);
      expect(reply).toMatchObject({ conversation_id: id, question_seq: 1, status: 'running', knows_budgets: false });
      await answer(id, [{ id: String(reply?.['id']), epoch: Number(reply?.['epoch']) }]);
      expect(await replyIn(id)).toMatchObject([{ status: 'done' }]);
    }
    await run('alter table edgechat.replies add column of_the_next_release int');
    expect(await claimPrepared(doneBefore)).toEqual([]);
    const id = await conversation();
    await ask(id);
    expect(await claimPrepared(id)).toMatchObject([{ status: 'running' }]);
  });

  it('charges one answer of a prompt: the one that its worker charged, or the one of this release', async () => {
    const answered = async (first: 'theirs' | 'ours'): Promise<unknown> => {
      const id = newId();
      const theirs = (): Promise<unknown> =>
        run(
          `insert into edgechat.answer_usage (id, account_id, kind, provider, model, tokens_in, tokens_out) values ($1, 1, 'completion', 'p', 'm', 3, 4) on conflict (id) do nothing`,
          [id],
        );
      const ours = (): Promise<unknown> =>
        run(`select edgechat.charge_calls($1)`, [
          JSON.stringify({
            ...{ id, account_id: 1, conversation_id: null, kind: 'completion', provider: 'p', model: 'm' },
            calls: [
              { epoch: 77, call: 1, tokens_in: 10, tokens_out: 0 },
              { epoch: 0, call: 0, tokens_in: 100, tokens_out: 200 },
            ],
          }),
        ]);
      for (const charge of first === 'theirs' ? [theirs, ours, ours] : [ours, theirs, ours]) await charge();
      return run('select tokens_in, tokens_out from edgechat.answer_usage where id = $1', [id]);
    };

    expect(await answered('theirs')).toEqual([{ tokens_in: 13, tokens_out: 4 }]);
    expect(await answered('ours')).toEqual([{ tokens_in: 110, tokens_out: 200 }]);
  });

  it('adds its answer to what this release charged for the reply before', async () => {
    const id = await conversation();
    await ask(id);
    const [reply] = await claim(id);
    await run(`select edgechat.charge_calls($1)`, [
      JSON.stringify({
        ...{ id: reply?.id, account_id: 1, conversation_id: id, kind: 'reply', provider: 'p', model: 'm' },
        calls: [{ epoch: reply?.epoch, call: 1, tokens_in: 10, tokens_out: 0 }],
      }),
    ]);
    await answer(id, [{ id: reply?.id ?? '', epoch: reply?.epoch ?? 0 }]);

    expect(await charged(id)).toMatchObject([{ tokens_in: 13, tokens_out: 4 }]);
  });

  it('tells no failure of an earlier run when its worker fails a reply that this release failed, or put back, before', async () => {
    const id = await conversation();
    await ask(id);
    await run(
      `update edgechat.replies set status = 'failed', failure = 'ai_overloaded', failure_code = 'ai_failed' where conversation_id = $1`,
      [id],
    );
    await ask(id);
    await run(`update edgechat.replies set put_back_for = 'ai_quota_exceeded' where conversation_id = $1`, [id]);
    await fail(id, (await claim(id))[0]?.epoch, 'ai_not_configured');

    expect(await replyIn(id)).toEqual([
      { status: 'failed', failed_for: 'ai_not_configured', failure_code: 'ai_not_configured' },
    ]);
  });

  it('gives its worker no reply that waits for its provider, and the deadline in a code that its API knows', async () => {
    const id = await conversation();
    await ask(id);
    await run(
      `update edgechat.replies set put_back_for = 'ai_overloaded', not_before = clock_timestamp() + interval '1 minute' where conversation_id = $1`,
      [id],
    );
    expect(await claim(id)).toEqual([]);

    await run('update edgechat.replies set deadline_at = clock_timestamp() where conversation_id = $1', [id]);
    expect(await claim(id)).toMatchObject([{ status: 'failed' }]);
    expect(await replyIn(id)).toEqual([{ status: 'failed', failed_for: 'ai_overloaded', failure_code: 'ai_failed' }]);
  });

  it.each([
    ['ai_not_configured', 'ai_not_configured', 'ai_not_configured'],
    ['ai_quota_exceeded', 'ai_quota_exceeded', 'ai_quota_exceeded'],
    ['budget_exhausted', 'budget_exhausted', 'ai_quota_exceeded'],
    ...['ai_failed', 'ai_refused', 'ai_input_too_long', 'ai_misconfigured', 'ai_overloaded', 'ai_timed_out'].map(
      (code): [string, string, string] => [code, 'ai_failed', 'ai_failed'],
    ),
  ])('is told of %s as %s, and where it knows no budgets as %s', async (code, ...known) => {
    expect(
      await run(
        'select edgechat.failure_code_before($1, true) as knows, edgechat.failure_code_before($1, false) as not',
        [code],
      ),
    ).toEqual([{ knows: known[0], not: known[1] }]);
  });
});
