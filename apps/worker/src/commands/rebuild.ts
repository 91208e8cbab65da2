import { RebuildInbox, type InboxProgress } from '@edgechat/conversations';
import type { Config } from '@edgechat/platform/config';
import { RebuildSearch, type SearchProgress } from '@edgechat/search';
import { withStores, type Given } from './admin-context.js';
import { EXIT_LOST_TEXTS } from './messages.js';
import { grouped, say, showing } from './progress.js';

/** Makes the inboxes anew. */
export async function rebuildInbox(config: Config, { conversation }: Given, signal: AbortSignal): Promise<number> {
  const progress: InboxProgress = { done: 0, total: 0, written: 0, removed: 0, counted: 0 };
  await withStores(config, signal, (context) =>
    showing(
      () => ({ done: progress.done, total: progress.total, unit: 'inbox rows' }),
      () => context.get(RebuildInbox, { strict: false }).run(conversation, progress, signal),
    ),
  );
  say(
    `${grouped(progress.written)} inbox rows were put right, ${grouped(progress.removed)} of nobody's conversation removed; ${grouped(progress.counted)} conversations had another number of members.`,
  );
  return 0;
}

/** Makes the search index anew. */
export async function rebuildSearch(config: Config, { conversation }: Given, signal: AbortSignal): Promise<number> {
  const progress: SearchProgress = { done: 0, total: 0, removed: 0, lost: 0 };
  await withStores(config, signal, (context) =>
    showing(
      () => ({ done: progress.done, total: progress.total, unit: 'messages' }),
      () => context.get(RebuildSearch, { strict: false }).run(conversation, progress, signal),
    ),
  );
  say(
    `${grouped(progress.done - progress.lost)} messages indexed, ${grouped(progress.removed)} index rows of no message removed.`,
  );
  if (progress.lost === 0) return 0;
  say(`${grouped(progress.lost)} messages have their text in neither store; admin verify says which.`);
  return EXIT_LOST_TEXTS;
}
