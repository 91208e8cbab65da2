import { pause } from '../local-stack/processes.mjs';
import { answerTo, checkAlike, checkSame } from './checks.mjs';
import { cpuOf, spent } from './cpu.mjs';
import { PASSWORD } from './data.mjs';
import { Stores } from './stores.mjs';
import { turns } from './statistics.mjs';
import { accessToken } from './tokens.mjs';

/** How long and how often; `quick` shows that everything works, its figures mean little. */
export const PACE = {
  full: { rounds: 3, seconds: 3, warmUpSeconds: 1.5 },
  quick: { rounds: 1, seconds: 1.5, warmUpSeconds: 0.7 },
};
/** Debts that are still open then make the run one that does not count. */
const DRAINS_WITHIN_MS = 60_000;
/** What the engines spend in half a second when nobody asks them anything. */
const CALM_US = 60_000;

/** The processes under measurement, and how one scenario is measured on them. */
export class Bench {
  #runs = 0;
  #tokens = new Map();
  #answers = new Map();

  constructor(stack, pace, say) {
    Object.assign(this, { stack, pace, say, stores: new Stores(stack.env) });
  }

  /** Product, floor, the one worker of both, and the generator. */
  async begin() {
    for (const name of ['api', 'floor', 'worker', 'load']) this[name] = await this.stack.launch(name);
  }

  programOf(subject) {
    return subject === 'product' ? this.api : this.floor;
  }

  token(account) {
    if (!this.#tokens.has(account)) this.#tokens.set(account, accessToken(this.stack.env.JWT_SECRET, account));
    return this.#tokens.get(account);
  }

  cpu() {
    const { postgres, mongo, redis } = this.stack.engines;
    return cpuOf({
      api: this.api.pid,
      floor: this.floor.pid,
      worker: this.worker.pid,
      load: this.load.pid,
      postgres: postgres.pid,
      mongo: mongo.pid,
      redis: redis.pid,
    });
  }

  async countSessions() {
    return (await this.stores.sql('select count(*) as n from edgechat.sessions'))[0].n;
  }

  async sumGenerations() {
    return (await this.stores.sql('select coalesce(sum(generation), 0)::float8 as n from edgechat.sessions'))[0].n;
  }

  async logIn(account) {
    const body = JSON.stringify({ email: `bench-${account}@example.com`, password: PASSWORD });
    const response = await fetch(`http://127.0.0.1:${this.api.port}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (!response.ok) throw new Error(`a login was refused: ${await response.text()}`);
    return (await response.json()).refresh_token;
  }

  /** What a subject answers to a read; once both were asked it must be the same, to the letter. */
  async answerOf(subject, request) {
    const answer = await answerTo(this.programOf(subject), request);
    const key = `${request.path} ${request.token}`;
    const answers = { ...this.#answers.get(key), [subject]: answer };
    this.#answers.set(key, answers);
    checkSame(answers, request.path);
    return answer;
  }

  /** Waits until the engines have nothing left to do: a query that was given up goes on in some of them. At most half a minute. */
  async settle() {
    for (let i = 0; i < 60; i += 1) {
      const before = this.cpu();
      await pause(500);
      const { postgres, mongo, redis } = spent(before, this.cpu());
      if (postgres + mongo + redis < CALM_US) return;
    }
  }

  /** Load on one subject for some seconds, without a look at anything else. */
  async drive(subject, scenario, { seconds, connections = scenario.connections, requests }) {
    this.#runs += 1;
    const plan = await scenario.plan(this, `r${this.#runs}`);
    return this.load.ask('run', { ...plan, port: this.programOf(subject).port, connections, seconds, requests });
  }

  /** One run on one subject: the load, the work it leaves until that is done, the check. @throws Error when the run does not count */
  async once(subject, scenario, seconds) {
    const program = this.programOf(subject);
    const before = this.cpu();
    await program.ask('startDelay');
    const result = await this.drive(subject, scenario, { seconds });
    const delay = await program.ask('readDelay');
    const backlog = scenario.owes ? await this.stores.backlog() : 0;
    const drainedS = scenario.owes ? await this.stores.drained(DRAINS_WITHIN_MS) : 0;
    const cost = spent(before, this.cpu());
    if (drainedS === null)
      throw new Error(`${subject}: debts are still open ${DRAINS_WITHIN_MS / 1_000} s after the load`);
    const isGood = (status) => Number(status) >= 200 && Number(status) < 300;
    if (!Object.keys(result.statuses).every(isGood))
      throw new Error(
        `${subject}: not every answer was a good one: ${JSON.stringify(result.statuses)} ${result.samples[0] ?? ''}`,
      );
    await scenario.check(this, result, subject);
    const { kept, samples, ...figures } = result;
    const { [subject === 'product' ? 'api' : 'floor']: app, ...rest } = Object.fromEntries(
      Object.entries(cost).map(([name, us]) => [name, us / result.answered]),
    );
    const { api, floor, ...others } = rest;
    return { ...figures, delay, backlog, drainedS, cpuUs: { app, ...others } };
  }

  /**
   * All rounds of scenarios that are compared with each other: in each round one after the other, there and back, product and floor in turns.
   * (One after the other for good, the later ones would be measured on engines that hold more and have done more.) @returns a result for each
   */
  async measure(scenarios) {
    const results = scenarios.map(() => ({ runs: { product: [], floor: [] }, failures: {} }));
    await this.settle();
    for (let round = -1; round < this.pace.rounds; round += 1) {
      const places = [...scenarios.keys()];
      for (const place of round % 2 === 0 ? places : places.reverse()) {
        for (const subject of turns(round + 1))
          await this.#measureOnce(scenarios[place], results[place], subject, round);
      }
    }
    return results;
  }

  /** A subject that does something wrong is not measured any further: `failures` says what. The first round warms up. */
  async #measureOnce(scenario, { runs, failures }, subject, round) {
    if (failures[subject] !== undefined) return;
    try {
      const run = await this.once(subject, scenario, round < 0 ? this.pace.warmUpSeconds : this.pace.seconds);
      if (round >= 0) runs[subject].push(run);
    } catch (error) {
      failures[subject] = error.message.slice(0, 600);
      await this.stores.drained(DRAINS_WITHIN_MS);
      await scenario.forget?.(this);
      await this.settle();
    }
  }

  /** A send and its answer have the same fields on both. */
  async checkSendsAlike(conversationId, account) {
    const send = async (program) => {
      const headers = { authorization: `Bearer ${this.token(account)}`, 'content-type': 'application/json' };
      const response = await fetch(
        `http://127.0.0.1:${program.port}/api/v1/chat/conversations/${conversationId}/messages`,
        {
          method: 'POST',
          headers,
          body: JSON.stringify({ content: `alike.${program.name}.1 text`, client_id: `alike.${program.name}.1` }),
        },
      );
      return { status: response.status, ...(await response.json()) };
    };
    checkAlike(await send(this.api), await send(this.floor));
  }
}
