import { setTimeout as wait } from 'node:timers/promises';

/** Counts of one kind of calls: how many were made, what came of them, and how many were not made since too many were under way. */
export const newTally = () => ({ made: 0, notMade: 0, outcomes: {} });

/**
 * Does something so often a second, whether or not what it did before has come to its end: who attacks does not wait for answers.
 * @param {{ perSecond: number, burst?: number, underWayMax: number }} plan `burst`: as many at the same instant, and as much rarer
 * @param {(n: number) => Promise<string>} act what came of it, in the same words for each of a kind
 * @param {{ seconds: number, tally: ReturnType<typeof newTally> }} options
 * @returns {Promise<void>} resolves at the end of the time, not of what is under way
 */
export async function pace({ perSecond, burst = 1, underWayMax }, act, { seconds, tally }) {
  const beganAt = performance.now();
  const everyMs = (burst * 1_000) / perSecond;
  let underWay = 0;
  const one = async (n) => {
    underWay += 1;
    tally.made += 1;
    const outcome = await act(n).finally(() => (underWay -= 1));
    tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
  };
  for (let wave = 0; wave * everyMs < seconds * 1_000; wave += 1) {
    await wait(Math.max(0, beganAt + wave * everyMs - performance.now()));
    for (let i = 0; i < burst; i += 1) {
      if (underWay < underWayMax) void one(wave * burst + i);
      else tally.notMade += 1;
    }
  }
}
