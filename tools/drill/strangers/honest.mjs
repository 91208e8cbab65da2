import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { randomOf } from '../random.mjs';
import { rareWord } from '../texts.mjs';
import { agentOf, call } from './client.mjs';

// The honest people, a process of their own: `node honest.mjs <plan>`. Each makes its calls at its own instants, whether or not the one before was
// answered, so that a wait is not hidden by the calls that were not made meanwhile.

// 75 calls a minute of an account, and 80 without a token of their one address: below the limit of 100 of each.
const CALL_EVERY_MS = 800;
const LOGIN_EVERY_MS = 23_000;
const REFRESH_EVERY_MS = 45_000;
const HEALTH_EVERY_MS = 250;
/** After the end what is under way is waited for as long as any call may take. */
const PATIENCE_MS = 75_000;
/** As many connections as a browser has. All are open before anybody attacks, and stay open. */
const SOCKETS = 6;
const ACTS = { send: 30, ask: 8, page: 22, inbox: 16, search: 14, mark: 10 };
const ASCII = [
  'good',
  'morning',
  'the',
  'meeting',
  'moves',
  'to',
  'three',
  'o’clock',
  'bring',
  'your',
  'notes',
  'please',
];

/** All of them, and what they saw. */
class Office {
  /** Of each call: its kind, when it began (ms after the beginning), how long it took, and status and code. @type {{ kind: string, at: number, ms: number, reason: string, isGood: boolean }[]} */
  calls = [];
  /** Sends that were taken. */
  kept = [];
  #underWay = new Set();

  constructor({ port, honest, seconds, seed }) {
    Object.assign(this, { port, seconds, seed, people: honest });
    this.agents = new Map(honest.map(({ n, address }) => [n, agentOf(address, SOCKETS)]));
    this.health = agentOf(honest[0].address, 1);
  }

  get isOn() {
    return performance.now() - this.beganAt < this.seconds * 1_000;
  }

  /** @param {object | null} person null: nobody, for health */
  async call(kind, person, method, path, options) {
    const agent = person === null ? this.health : this.agents.get(person.n);
    const at = performance.now() - this.beganAt;
    const answer = await call({ port: this.port, agent }, method, path, { ...options, patienceMs: PATIENCE_MS });
    const isGood = answer.status >= 200 && answer.status <= 299;
    this.calls.push({ kind, at, ms: answer.ms, reason: answer.reason, isGood });
    return isGood ? answer.body : null;
  }

  /** Does something again and again, from an instant within the first interval on. */
  async every(intervalMs, share, act) {
    for (let n = 0; ; n += 1) {
      await wait(Math.max(0, this.beganAt + (n + share) * intervalMs - performance.now()));
      if (!this.isOn) return;
      const acting = act(n).finally(() => this.#underWay.delete(acting));
      this.#underWay.add(acting);
    }
  }

  async run() {
    const opening = [...this.agents.values()].flatMap((agent) =>
      Array.from({ length: SOCKETS }, () => call({ port: this.port, agent }, 'GET', '/health')),
    );
    await Promise.all(opening);
    this.beganAt = performance.now();
    const share = (n) => (n + 0.5) / this.people.length;
    await Promise.all([
      this.every(HEALTH_EVERY_MS, 0, () => this.call('health', null, 'GET', '/health')),
      ...this.people.flatMap((person) => [
        this.every(CALL_EVERY_MS, share(person.n), (n) => this.#act(person, n)),
        this.every(LOGIN_EVERY_MS, share(person.n), () => this.#logIn(person)),
        this.every(REFRESH_EVERY_MS, share(person.n), () => this.#refresh(person)),
      ]),
    ]);
    await Promise.all(this.#underWay);
  }

  #act(person, n) {
    const { token, own } = person;
    const random = randomOf(this.seed, 'honest', person.n, n);
    const group = random.pick(person.groups);
    const messages = `/chat/conversations/${group}/messages`;
    const kind = random.weighted(ACTS);
    switch (kind) {
      case 'send':
        return this.#send('send', person, group, random, n);
      case 'ask':
        return this.#send('ask', person, own, random, n);
      case 'page':
        return this.call(kind, person, 'GET', `${messages}?before_seq=1000000000&limit=50`, { token });
      case 'inbox':
        return this.call(kind, person, 'GET', '/chat/conversations?limit=20', { token });
      case 'search':
        return this.call(kind, person, 'GET', `/search?q=${random.pick(person.words)}`, { token });
      default:
        return this.call(kind, person, 'PUT', `/chat/conversations/${group}/read`, { token, body: { seq: n } });
    }
  }

  async #send(kind, person, conversation, random, n) {
    const word = rareWord(random, person.n * 10_000 + n);
    const content = [word, ...Array.from({ length: 11 }, () => random.pick(ASCII))].join(' ');
    const path = `/chat/conversations/${conversation}/messages`;
    const body = await this.call(kind, person, 'POST', path, { token: person.token, body: { content } });
    if (body === null) return;
    person.words.push(word);
    this.kept.push({ kind, word, person: person.n, conversation, seq: body.user_message.seq });
  }

  #logIn(person) {
    const { email, password } = person;
    return this.call('login', person, 'POST', '/auth/login', { body: { email, password } });
  }

  async #refresh(person) {
    const body = await this.call('refresh', person, 'POST', '/auth/refresh', {
      body: { refresh_token: person.refreshToken },
    });
    if (body === null) return;
    person.token = body.access_token;
    person.refreshToken = body.refresh_token;
  }
}

async function main(planFile) {
  const plan = JSON.parse(readFileSync(planFile, 'utf8'));
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const office = new Office(plan);
  await office.run();
  const { calls, kept, people } = office;
  // How late the generator itself was: what is in its figures and not of the product.
  const ownDelayP99Ms = Math.max(0, delay.percentile(99) / 1e6 - 10);
  writeFileSync(plan.resultFile, JSON.stringify({ calls, kept, honest: people, ownDelayP99Ms }));
  process.exit(0);
}

await main(process.argv[2]);
