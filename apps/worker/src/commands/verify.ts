import {
  NOTICES,
  PROBLEMS,
  VerifyStores,
  type Finding,
  type Verdict,
  type VerifyProgress,
} from '@edgechat/conversations';
import type { Config } from '@edgechat/platform/config';
import { AdminError, withStores, type Given } from './admin-context.js';
import { grouped, showing } from './progress.js';

/** Something is wrong in the stores. */
export const EXIT_PROBLEMS = 3;

/** What the columns of a key are called. */
const NAMES: Readonly<Record<string, string>> = {
  id: 'conversation',
  conversation_id: 'conversation',
  account_id: 'account',
  low_account: 'account',
  high_account: 'and account',
  other_account_id: 'and account',
  seq: 'message',
  question_seq: 'message',
  kind: 'owed:',
};

/** Looks whether everything that the stores keep fits together, and tells on stdout what does not; the last line has the counts. */
export async function verify(config: Config, _: Given, signal: AbortSignal): Promise<number> {
  const progress: VerifyProgress = { stage: '', done: 0, total: 0, suspects: 0 };
  const note = (): string =>
    progress.suspects > 0 ? `${progress.stage}, ${grouped(progress.suspects)} to be looked at again` : progress.stage;
  let verdict: Verdict | null = null;
  await withStores(config, signal, (context) =>
    showing(
      () => ({ done: progress.done, total: progress.total, unit: 'rows', note: note() }),
      async () => {
        verdict = await context.get(VerifyStores, { strict: false }).run(progress, signal);
      },
    ),
  );
  if (verdict === null) throw new AdminError('The stores were not verified.');
  return tell(verdict);
}

async function tell({ findings, conversations, messages, documents }: Verdict): Promise<number> {
  const problems = findings.reduce((sum, { kind, count }) => sum + (NOTICES.has(kind) ? 0 : count), 0);
  const lines = [
    ...findings.flatMap(linesOf),
    `verify: ${grouped(problems)} problems in ${grouped(conversations)} conversations, ${grouped(messages)} messages, ${grouped(documents)} documents`,
  ];
  await new Promise<void>((resolve) => process.stdout.write(`${lines.join('\n')}\n`, () => resolve()));
  return problems === 0 ? 0 : EXIT_PROBLEMS;
}

function linesOf({ kind, count, first }: Finding): string[] {
  const places = first.map(
    (key) =>
      `  ${Object.entries(key)
        .map(([column, value]) => `${NAMES[column] ?? column} ${value}`)
        .join(', ')}`,
  );
  return [
    `${kind}: ${grouped(count)}. ${PROBLEMS[kind]}`,
    ...places,
    ...(count > first.length ? [`  … and ${grouped(count - first.length)} more`] : []),
  ];
}
