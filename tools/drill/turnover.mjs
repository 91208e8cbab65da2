import { Failure, pause } from '../local-stack/processes.mjs';
import { isLater } from './door.mjs';
import { randomOf } from './random.mjs';
import { judgeDoor, readNewest, search } from './reads.mjs';
import { breathe, deliver, messagesOf, trySend } from './sends.mjs';

const CHANGES_WITHIN_MS = 90_000;
const STAYS_MS = { least: 500, spread: 3_000 };
const SEES_WITHIN_MS = 10_000;

/**
 * People come to one group and leave it, or are removed. What must hold from the moment an end was answered: nothing of them gets
 * through, on either API; and the ledger says so too: between a message that the owner sends right after that, and one that the owner
 * sends right before they are taken in again, there is none of theirs.
 */
export class Turnover {
  constructor(drill, conversation) {
    this.drill = drill;
    this.conversation = conversation;
    this.owner = drill.truth.people[conversation.owner];
    this.random = this.#randomOf(0);
  }

  #randomOf(round) {
    return randomOf(this.drill.seed, 'turnover', this.conversation.n, round);
  }

  async run() {
    const { drill, conversation } = this;
    for (let round = 0; drill.isOn; round += 1) {
      const random = this.#randomOf(round);
      this.random = random;
      const person = drill.truth.people[random.pick(conversation.rotating)];
      await this.takeIn(person);
      for (let leftMs = STAYS_MS.least + random.whole(STAYS_MS.spread); drill.isOn && leftMs > 0; leftMs -= 100)
        await pause(100);
      await this.#end(person);
      await this.#knock(person);
    }
  }

  /** Takes somebody in who is out, and has them look around. */
  async takeIn(person) {
    const { drill, conversation, owner } = this;
    await this.#fence(person, 'until');
    drill.truth.move(conversation, person, 'moving');
    const members = `/chat/conversations/${conversation.id}/members`;
    await this.#change(owner, 'POST', members, { body: { account_ids: [person.id] }, expects: [200] });
    drill.count('joins');
    await this.#seenBy(person);
    drill.truth.move(conversation, person, 'in');
  }

  /** On both APIs, at the latest 10 s after it was answered. */
  async #seenBy(person) {
    const { drill, conversation, random } = this;
    for (const door of drill.doors) {
      const until = performance.now() + SEES_WITHIN_MS;
      for (;;) {
        const answer = await door.call('GET', `/chat/conversations/${conversation.id}`, {
          token: person.token,
          expects: [200, 404],
        });
        if (answer.status === 200) break;
        if (answer.status === 404 && performance.now() > until)
          return drill.violations.add(
            'a new member sees nothing',
            `${drill.truth.place(conversation, '-')}, ${person.name} by ${door.app.name}`,
          );
        await breathe(random);
        if (!drill.isOn && isLater(answer)) return undefined;
      }
    }
  }

  /** They leave, or the owner removes them. */
  async #end(person) {
    const { drill, conversation, owner, random } = this;
    drill.truth.move(conversation, person, 'moving');
    const isRemoval = random.chance(0.5);
    const members = `/chat/conversations/${conversation.id}/members`;
    // 404: the try before, whose answer was lost, has done it.
    if (isRemoval) await this.#change(owner, 'DELETE', `${members}/${person.id}`, { expects: [204, 404] });
    else await this.#change(person, 'DELETE', `${members}/me`, { expects: [204, 404] });
    drill.truth.move(conversation, person, 'out');
    drill.count(isRemoval ? 'removals' : 'leaves');
  }

  /** Repeats a change until it is answered. @throws Failure when that takes longer than any fault */
  async #change(by, method, path, options) {
    const { drill, random } = this;
    const until = performance.now() + CHANGES_WITHIN_MS;
    for (let tries = 1; ; tries += 1) {
      const answer = await random.pick(drill.doors).call(method, path, { token: by.token, ...options });
      if (!isLater(answer)) {
        if (answer.status === 404 && tries === 1)
          drill.violations.add('a member was not found', `${method} ${path} by ${by.name}`);
        return;
      }
      if (performance.now() > until)
        throw new Failure(
          `${method} ${path} was not answered for ${CHANGES_WITHIN_MS / 1_000} s: ${answer.status} ${JSON.stringify(answer.body)}`,
        );
      await breathe(random);
    }
  }

  /** Everything that somebody who is out can try, on both APIs at once. */
  async #knock(person) {
    await Promise.all([this.#fence(person, 'from'), ...this.drill.doors.map((door) => this.#knockAt(door, person))]);
  }

  async #knockAt(door, person) {
    const { drill, conversation, random } = this;
    const { truth } = drill;
    const path = `/chat/conversations/${conversation.id}`;
    const known = random.pick(conversation.sent);
    const knock = async (what, method, url, body) => {
      const before = truth.standing(conversation, person);
      judgeDoor(drill, before, await door.call(method, url, { token: person.token, body, expects: [200, 404] }), what);
    };
    await Promise.all([
      trySend(drill, truth.newSend(person, conversation, random, { isProbe: true }), door),
      readNewest(drill, person, conversation, door),
      knock('a look at one message', 'GET', `${messagesOf(conversation)}/1`),
      knock('a look at a conversation', 'GET', path),
      knock('a look at members', 'GET', `${path}/members`),
      knock('a read mark', 'PUT', `${path}/read`, { seq: 1 }),
      search(drill, person, known.word, door),
      knock('a search in a conversation', 'GET', `/search?q=${known.word}&conversation_id=${conversation.id}`),
      this.#repeatOf(person, door),
    ]);
    drill.count('knocks of people who are out');
  }

  /** Membership is asked before the key: also a send that was kept once is not found. */
  async #repeatOf(person, door) {
    const kept = this.conversation.sent.findLast((send) => send.person === person && send.fate === 'accepted');
    if (kept !== undefined) await trySend(this.drill, kept, door);
  }

  /**
   * A message of the owner, by whose place in the ledger a period without somebody begins (`from`) or ends (`until`).
   * @throws Failure when it cannot be sent for longer than any fault
   */
  async #fence(person, end) {
    const { drill, conversation, owner, random } = this;
    const send = drill.truth.newSend(owner, conversation, random);
    const until = performance.now() + CHANGES_WITHIN_MS;
    while ((await deliver(drill, send, random)) !== 'kept') {
      if (performance.now() > until)
        throw new Failure(
          `A message of the owner was not taken for ${CHANGES_WITHIN_MS / 1_000} s: ${drill.truth.place(conversation, '-')}`,
        );
      await breathe(random);
    }
    const last = conversation.closed.findLast((period) => period.person === person);
    if (end === 'from') conversation.closed.push({ person, from: send.seq, until: Infinity });
    else if (last === undefined) conversation.closed.push({ person, from: 0, until: send.seq });
    else last.until = send.seq;
  }
}
