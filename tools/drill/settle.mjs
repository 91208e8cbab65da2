import { pause } from '../local-stack/processes.mjs';
import { randomOf } from './random.mjs';
import { readPage } from './reads.mjs';
import { breathe, trySend } from './sends.mjs';

const REPEATS_WITHIN_MS = 90_000;
const AT_ONCE = 16;
/** An answer that has not come by then may have failed. */
const PATIENCE_MS = 3_000;
const REPEATED_TIMES = 15;
const PAGE = 100;

/** Does some work for each item, a few at a time. */
export async function forEach(items, work) {
  const left = [...items];
  const lane = async () => {
    while (left.length > 0) await work(left.shift());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** What a client does that wants to know: repeats each send whose fate is unknown, with its key, until it is kept. */
export async function repeatUnknown(drill) {
  const random = randomOf(drill.seed, 'settle');
  const until = performance.now() + REPEATS_WITHIN_MS;
  const unknown = drill.truth.sends.filter(({ fate, isProbe }) => fate === 'unknown' && !isProbe);
  drill.counts.set('sends of unknown fate at the end', unknown.length);
  await forEach(unknown, async (send) => {
    for (;;) {
      const outcome = await trySend(drill, send, random.pick(drill.doors));
      if (outcome === 'kept') return;
      if (outcome === 'refused' || performance.now() > until)
        return drill.violations.add(
          'a send that cannot be settled',
          `${drill.truth.place(send.conversation, '-')}, ${send.key}: ${outcome}`,
        );
      await breathe(random);
    }
  });
}

/**
 * Waits until every question has its answer. An answer may have failed, since its time was over while a store was away: it is asked for
 * anew by a repeat, as clients do; where the answer is still on its way a repeat changes nothing.
 */
export async function awaitAnswers(drill) {
  const random = randomOf(drill.seed, 'answers');
  let unanswered = [];
  for (let times = 0; times <= REPEATED_TIMES; times += 1) {
    const until = performance.now() + PATIENCE_MS;
    do {
      unanswered = await readAnswers(drill);
      if (unanswered.length === 0) return;
      await pause(300);
    } while (performance.now() < until);
    if (times === REPEATED_TIMES) break;
    drill.count('questions repeated for their answer at the end', unanswered.length);
    await forEach(unanswered, (send) => trySend(drill, send, random.pick(drill.doors)));
  }
  for (const { conversation, seq, key } of unanswered)
    drill.violations.add('a question without an answer', `${drill.truth.place(conversation, seq)}, ${key}`);
}

/** Reads on in each conversation that owes answers. @returns the questions that have none */
async function readAnswers(drill) {
  const { truth } = drill;
  const open = () =>
    truth.sends.filter(
      (send) => send.isOwedAnswer && send.fate === 'accepted' && !send.conversation.answers.has(send.seq),
    );
  await forEach(new Set(open().map(({ conversation }) => conversation)), async (conversation) => {
    const lowest = Math.min(
      ...open()
        .filter((send) => send.conversation === conversation)
        .map(({ seq }) => seq),
    );
    let from = lowest;
    for (let page = { has_more: true }; page?.has_more;) {
      page = await readPage(drill, truth.people[conversation.owner], conversation, drill.doors[conversation.n % 2], {
        direction: 'after',
        from,
        limit: PAGE,
      });
      from = page?.messages.at(-1)?.seq ?? from;
    }
  });
  return open();
}
