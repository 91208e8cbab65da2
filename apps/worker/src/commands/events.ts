import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { KEPT_DAYS, ListSecurityEvents, SHOWN_DIGITS, type SecurityEventRow } from '@edgechat/identity/operator';
import { instant } from '@edgechat/kernel';
import type { Config } from '@edgechat/platform/config';
import { emailOf, noAccount } from './account-email.js';
import { withPostgres, type Given } from './admin-context.js';
import { grouped } from './progress.js';

const DAYS = 30;

/** Lists security events on stdout, newest first: one line for each kind, subject and hour, or one JSON object. */
export async function events(config: Config, given: Given, signal: AbortSignal): Promise<number> {
  const email = given.email === null ? null : emailOf(given.email, 'events --email <email>');
  const days = Math.min(given.days ?? DAYS, KEPT_DAYS);
  await withPostgres(config, signal, async (context) => {
    const list = context.get(ListSecurityEvents, { strict: false });
    if (email !== null && !(await list.isKnown(email))) throw noAccount();
    const pages = texts(list.pages({ email, days }), given.asJson ? jsonOf : lineOf);
    await pipeline(Readable.from(pages), process.stdout, { signal, end: false });
  });
  return 0;
}

/** One page at a time: the next one is read when its reader wants it. */
async function* texts(
  pages: AsyncIterable<readonly SecurityEventRow[]>,
  textOf: (row: SecurityEventRow) => string,
): AsyncGenerator<string> {
  for await (const page of pages) yield page.map(textOf).join('');
}

const shown = (hash: Buffer | null): string | null => hash?.toString('hex').slice(0, SHOWN_DIGITS) ?? null;

/** `2026-11-24T08:00:00.000Z  login.failed  12 times since 2026-11-24T08:00:00.000Z  account 7  address 0123456789abcdef` */
function lineOf(row: SecurityEventRow): string {
  const parts = [
    instant(row.lastAt),
    row.kind,
    ...(row.count > 1 ? [`${grouped(row.count)} times since ${instant(row.firstAt)}`] : []),
    ...(row.accountId === null ? [] : [`account ${row.accountId}`]),
    ...(row.sessionId === null ? [] : [`session ${row.sessionId}`]),
    ...(row.addressHash === null ? [] : [`address ${shown(row.addressHash)}`]),
  ];
  return `${parts.join('  ')}\n`;
}

function jsonOf(row: SecurityEventRow): string {
  const { kind, count, accountId, sessionId } = row;
  const [firstAt, lastAt] = [instant(row.firstAt), instant(row.lastAt)];
  return `${JSON.stringify({ kind, count, firstAt, lastAt, accountId, sessionId, address: shown(row.addressHash) })}\n`;
}
