import { accountId } from '@edgechat/kernel';
import { PromptTurns } from './prompt-turns.js';

const KIB = 1_024;
const PROMPT = 64 * KIB;
const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Turns of prompts that are under way until they are told to end. */
function someTurns(perAccount: number) {
  const turns = new PromptTurns(perAccount);
  const ends: (() => void)[] = [];
  const outcomes: string[] = [];
  const ask = (account: number, bytes = PROMPT, signal = never): void => {
    const work = () => new Promise<string>((resolve) => ends.push(() => resolve('answered')));
    turns.run(accountId(account), bytes, work, signal).then(
      (outcome) => outcomes.push(outcome ?? 'gave up'),
      (error: unknown) => outcomes.push(error instanceof Error && 'code' in error ? String(error.code) : 'failed'),
    );
  };
  const endAll = async (): Promise<void> => {
    for (let end = ends.shift(); end; end = ends.shift()) {
      end();
      await turn();
    }
  };
  return { turns, ask, ends, outcomes, endAll };
}

describe('prompts of an account', () => {
  it('are under way as many as it may have, 16 wait, and further ones are refused; a stranger is not', async () => {
    const { ask, ends, outcomes, endAll } = someTurns(4);
    for (let i = 0; i < 100; i += 1) ask(1);
    ask(2);
    await turn();

    expect(ends).toHaveLength(4 + 1);
    expect(outcomes).toEqual(Array(80).fill('too_many_requests'));
    await endAll();
    expect(outcomes.slice(80)).toEqual(Array(21).fill('answered'));
  });

  it('that give up leave the queue: their bytes are nobody’s, and others take their place', async () => {
    const { turns, ask, outcomes, endAll } = someTurns(1);
    const impatient = new AbortController();
    for (let i = 0; i < 17; i += 1) ask(1, PROMPT, impatient.signal);
    await turn();
    expect(turns.bytesThatWait).toBe(16 * PROMPT);

    impatient.abort();
    await turn();
    expect([turns.bytesThatWait, outcomes]).toEqual([0, Array(16).fill('gave up')]);

    for (let i = 0; i < 16; i += 1) ask(1);
    await turn();
    expect(outcomes).toHaveLength(16);
    await endAll();
    expect(outcomes.slice(16)).toEqual(Array(17).fill('answered'));
  });
});

describe('prompts of many accounts', () => {
  it('that wait have at most 16 MiB together, and what is under way 32 MiB; who has none there is not refused', async () => {
    const { turns, ask, ends, outcomes } = someTurns(4);
    for (let round = 0; round < 20; round += 1) for (let account = 1; account <= 200; account += 1) ask(account);
    await turn();

    expect(turns.bytesThatWait).toBeLessThanOrEqual(16 * KIB * KIB);
    expect(ends.length * PROMPT).toBeLessThanOrEqual(32 * KIB * KIB);
    expect(outcomes.every((outcome) => outcome === 'too_many_requests')).toBe(true);

    const refused = outcomes.length;
    ask(999, 10);
    await turn();
    expect(outcomes).toHaveLength(refused);
    expect(ends.length * PROMPT).toBeLessThanOrEqual(32 * KIB * KIB);
  });
});
