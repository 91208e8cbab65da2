import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, figure, must } from './checks.mjs';
import { ROOT, run, RUN } from './docker.mjs';
import { answered, Load, mustBeWhole } from './load.mjs';

/** Runs docker/backup or docker/restore as a person does, on a stack. @throws Unmet */
async function script(stack, name, ...args) {
  const { code, output } = await run(join(ROOT, 'docker', name), args, { env: stack.scriptEnv(), timeoutMs: 600_000 });
  must(code === 0, `docker/${name} ended with ${code}`, output.slice(-1_500));
}

/** A backup under sends: some fall between the dump of PostgreSQL and that of the messages. Gives what the conversations held in the end. */
async function backUp(stack, folder) {
  const load = await Load.start(stack.url);
  await load.more(40);
  const before = load.accepted;
  await script(stack, 'backup', folder);
  const after = load.accepted;
  must(after > before, 'sends are taken while the backup is made');
  await load.more(20);
  const result = await load.end();
  figure(
    'backup under load',
    `${before} sends before it, ${after - before} while it was made, ${result.accepted - after} after it`,
  );
  mustBeWhole(result);
  return {
    people: await Promise.all(
      load.people.map(async (person) => ({ ...person, all: await person.client.messages(person.conversation) })),
    ),
    before,
  };
}

/** One conversation after the restore: no hole, no text that stood elsewhere, and it goes on. Gives how many of its messages are there again. */
async function checkConversation({ client, conversation, all }, isSilent) {
  const was = new Map(all.map((message) => [message.id, message]));
  const now = isSilent ? await client.messages(conversation) : await answered(client, conversation);
  must(
    now.every(({ seq }, i) => seq === i + 1),
    'no hole',
    now.map(({ seq }) => seq),
  );
  // An answer that was under way at the dump is made anew: its id is another one then. What people said is as it was.
  const foreign = now.filter(
    ({ id, seq, role, content }) =>
      (role === 'user' || was.has(id)) && (was.get(id)?.seq !== seq || was.get(id).content !== content),
  );
  must(foreign.length === 0, 'every text is at its own place', foreign);
  const { status, body } = await client.send(conversation, 'after the restore');
  must(status === 200 && body.user_message.seq === now.length + 1, 'the next send has the next number', {
    status,
    body,
    length: now.length,
  });
  const end = await client.messages(conversation);
  must(
    end.every(({ seq }, i) => seq === i + 1) && end[now.length].content === 'after the restore',
    'no hole after it',
    end.slice(-3),
  );
  return now.filter(({ id }) => was.has(id)).length;
}

async function restoreAndLook(stack, folder, { people, before }) {
  await stack.down('-v');
  await stack.up();
  await script(stack, 'restore', folder, '--yes');
  const kept = await Promise.all(people.map((person, n) => checkConversation(person, n % 2 === 0)));
  const total = kept.reduce((sum, one) => sum + one, 0);
  must(total >= before, 'everything that was accepted before the backup is there', { total, before });
  must(
    (await stack.sql("select count(*) from edgechat.outbox where next_at < now() - interval '20 seconds'")) === '0',
    'no work is left lying',
  );
  const { code, output } = await stack.compose('run', '--rm', '-T', '--no-deps', 'worker', 'admin', 'verify');
  must(code === 0 && output.includes('verify: 0 problems in '), 'admin verify finds nothing', output.slice(-1_500));
}

/** Backup and restore, by the scripts that docs/deploy.md names. Leaves the restored stack running. */
export async function backup(stack) {
  const folder = mkdtempSync(join(tmpdir(), `${RUN}-backup-`));
  try {
    const made = await check('a backup is made under sends', () => backUp(stack, join(folder, 'one')));
    await check('all wiped and restored: no hole, no foreign text, sends go on', () =>
      restoreAndLook(stack, join(folder, 'one'), made),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
