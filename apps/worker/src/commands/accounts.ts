import { INVITE_DAYS_MAX, INVITE_USES_MAX, LockAccount, MakeInvite } from '@edgechat/identity/operator';
import type { Config } from '@edgechat/platform/config';
import { emailOf, noAccount } from './account-email.js';
import { AdminError, withPostgres, type Given } from './admin-context.js';
import { say } from './progress.js';

const USES = 1;
const DAYS = 7;

/** Keeps the owner of an account out; all its sessions end. */
export async function lockAccount(config: Config, given: Given, signal: AbortSignal): Promise<number> {
  const email = emailIn(given, 'lock-account');
  await withPostgres(config, signal, async (context) => {
    const ended = await context.get(LockAccount, { strict: false }).lock(email);
    if (ended === null) throw noAccount();
    say(`The account is locked. ${ended} sessions ended: they are out within 5 s.`);
  });
  return 0;
}

/** Lets the owner of an account log in again. */
export async function unlockAccount(config: Config, given: Given, signal: AbortSignal): Promise<number> {
  const email = emailIn(given, 'unlock-account');
  await withPostgres(config, signal, async (context) => {
    if (!(await context.get(LockAccount, { strict: false }).unlock(email))) throw noAccount();
    say('The account is open: its owner can log in.');
  });
  return 0;
}

/** Makes a code that lets people register, and prints it to stdout. */
export async function invite(config: Config, given: Given, signal: AbortSignal): Promise<number> {
  const uses = given.uses ?? USES;
  const days = given.days ?? DAYS;
  if (uses < 1 || uses > INVITE_USES_MAX)
    throw new AdminError(`--uses is a whole number from 1 to ${INVITE_USES_MAX}.`);
  if (days < 1 || days > INVITE_DAYS_MAX)
    throw new AdminError(`--days is a whole number from 1 to ${INVITE_DAYS_MAX}.`);

  await withPostgres(config, signal, async (context) => {
    const { code, expiresAt } = await context.get(MakeInvite, { strict: false }).execute({ uses, days });
    process.stdout.write(`${code}\n`);
    say(
      `Good for ${uses === 1 ? 'one account' : `${uses} accounts`} until ${expiresAt.toISOString()}, where REGISTRATION is invite. It is not kept: nobody can be shown it again.`,
    );
  });
  return 0;
}

function emailIn({ operands }: Given, command: string) {
  const [text = ''] = operands;
  return emailOf(text, `${command} <email>`);
}
