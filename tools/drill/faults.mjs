import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../local-stack/processes.mjs';
import { ask } from '../local-stack/ready.mjs';
import { randomOf } from './random.mjs';

const EVERY_MS = 2_000;

/** What is done to whom, and for how long: `longestMs` is 0 where it is over at once. */
const KINDS = [
  { name: 'api killed', targets: ['api 1', 'api 2'], longestMs: 0, act: 'kill' },
  { name: 'api stopped', targets: ['api 1', 'api 2'], longestMs: 0, act: 'stop' },
  { name: 'api hung', targets: ['api 1', 'api 2'], longestMs: 6_000, act: 'hang' },
  { name: 'worker killed', targets: ['worker 1', 'worker 2'], longestMs: 0, act: 'kill' },
  { name: 'worker stopped', targets: ['worker 1', 'worker 2'], longestMs: 0, act: 'stop' },
  { name: 'worker hung', targets: ['worker 1', 'worker 2'], longestMs: 6_000, act: 'hang' },
  { name: 'redis emptied', targets: ['redis'], longestMs: 0, act: 'flush' },
  ...['redis', 'postgres', 'mongo'].flatMap((engine) => [
    { name: `${engine} killed`, targets: [engine], longestMs: 4_000, act: 'killFor' },
    { name: `${engine} hung`, targets: [engine], longestMs: 6_000, act: 'hangFor' },
  ]),
];

/**
 * What is hit when: one fault each 2 s, each kind once before any comes twice. The same seed gives the same plan.
 * @returns {{ atMs: number, name: string, target: string, act: string, forMs: number }[]}
 */
export function planFaults(seed, seconds) {
  const random = randomOf(seed, 'faults');
  const plan = [];
  let deck = [];
  for (let atMs = EVERY_MS; atMs < seconds * 1_000; atMs += EVERY_MS) {
    if (deck.length === 0) deck = random.shuffled(KINDS);
    const { name, targets, longestMs, act } = deck.pop();
    plan.push({
      atMs,
      name,
      target: random.pick(targets),
      act,
      forMs: longestMs === 0 ? 0 : 1_000 + random.whole(longestMs - 999),
    });
  }
  return plan;
}

/** Carries a plan out. What hits the same target waits for its turn; different targets are hit beside each other. */
export class Faults {
  /** Those that began, with the instants between which service may have suffered. */
  begun = [];

  constructor(system, plan, { signal, say }) {
    this.plan = plan;
    this.signal = signal;
    this.say = say;
    this.targets = new Map([...system.apis, ...system.workers].map((app) => [app.name, app]));
    for (const kind of ['postgres', 'mongo', 'redis']) this.targets.set(kind, system.engines[kind]);
  }

  /** Resolves when the last fault is healed. @throws Failure when something does not come back */
  async run() {
    const beganAt = performance.now();
    const turns = new Map();
    for (const fault of this.plan) {
      await wait(Math.max(0, beganAt + fault.atMs - performance.now()), undefined, { signal: this.signal });
      const turn = (turns.get(fault.target) ?? Promise.resolve()).then(() => this.#hit(fault));
      turn.catch(() => undefined); // seen below
      turns.set(fault.target, turn);
    }
    await Promise.all(turns.values());
  }

  async #hit(fault) {
    const target = this.targets.get(fault.target);
    const record = { name: fault.name, from: performance.now(), to: Infinity };
    this.begun.push(record);
    const began = `  ${(fault.atMs / 1_000).toFixed(0).padStart(4)} s  ${fault.name}${fault.target.includes(' ') ? ` (${fault.target})` : ''}`;
    this.say(fault.forMs === 0 ? began : `${began} for ${(fault.forMs / 1_000).toFixed(1)} s`);
    await this.#act(fault, target);
    record.to = performance.now();
  }

  async #act({ act, forMs }, target) {
    const lasting = () => wait(forMs, undefined, { signal: this.signal });
    switch (act) {
      case 'kill':
      case 'stop':
        return target[act]();
      case 'hang':
        return target.hang(lasting);
      case 'flush':
        return flush(target);
      case 'killFor':
        await target.kill();
        await lasting();
        return target.restart();
      default:
        target.hang();
        await lasting().finally(() => target.resume());
    }
  }
}

/** Only ever sent to an engine that this process started. */
async function flush(redis) {
  const answer = await ask('127.0.0.1', redis.port, 'FLUSHALL\r\n');
  if (!answer?.toString('latin1').startsWith('+OK'))
    throw new Failure(`Redis did not take FLUSHALL: ${answer?.toString('latin1') ?? 'no answer'}`);
}
