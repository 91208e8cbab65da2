import { randomOf } from './random.mjs';
import { listInbox, markRead, readNewest, readOne, readSomewhere, search } from './reads.mjs';
import { deliver, deliverTwice, reuseKey, trySend } from './sends.mjs';

/** How often each is chosen. */
const ACTS = { send: 64, read: 10, readOne: 2, list: 6, search: 5, mark: 6, repeat: 6, reuse: 1 };
/** More are not asked in one conversation at a time: else answers would be waited for longer than they may take. */
const QUESTIONS_AT_ONCE = 3;
const MENTION_SHARE = 0.3;
const TWICE_SHARE = 0.06;
/** Repeats are of the newest. */
const REMEMBERED = 200;

/** One of the things that a person does at the same time: one call after the other, as fast as the answers come. */
export class Lane {
  #sent = [];

  constructor(drill, person, number) {
    this.drill = drill;
    this.person = person;
    this.number = number;
  }

  async run() {
    for (let n = 0; this.drill.isOn; n += 1) {
      // Of each act's own: what is chosen does not depend on how often the one before had to be tried.
      this.random = randomOf(this.drill.seed, 'person', this.person.n, this.number, n);
      await this.#act(this.random.weighted(ACTS));
    }
  }

  async #act(act) {
    const { drill, person, random } = this;
    const conversation = random.pick(drill.truth.conversationsOf(person));
    const door = random.pick(drill.doors);
    switch (act) {
      case 'send':
        return this.#send(conversation, door);
      case 'read':
        return readSomewhere(drill, person, conversation, door, random);
      case 'readOne':
        return readOne(drill, person, conversation, door, random);
      case 'list':
        return listInbox(drill, person, door);
      case 'search':
        return this.#search(conversation, door);
      case 'mark':
        return markRead(drill, person, conversation, door, random);
      default:
        return this.#repeat(act, door);
    }
  }

  async #send(conversation, door) {
    const { drill, person, random } = this;
    const isBusy = drill.truth.openQuestions(conversation) >= QUESTIONS_AT_ONCE;
    if (drill.shareDone() > conversation.silentAfter || (isBusy && conversation.assistant === 'always'))
      return readNewest(drill, person, conversation, door);
    const send = drill.truth.newSend(person, conversation, random, {
      hasMention: !isBusy && random.chance(MENTION_SHARE),
    });
    const way = random.chance(TWICE_SHARE) ? deliverTwice : deliver;
    if ((await way(drill, send, random)) !== 'kept') return undefined;
    this.#sent = [...this.#sent.slice(1 - REMEMBERED), send];
    return undefined;
  }

  /** Repeats a send that was kept, or uses its key for something else; also where the sender is no member any more. */
  async #repeat(act, door) {
    if (this.#sent.length === 0) return undefined;
    const send = this.random.pick(this.#sent);
    if (act === 'reuse') return reuseKey(this.drill, send, door);
    this.drill.count('repeats');
    return trySend(this.drill, send, door);
  }

  async #search(conversation, door) {
    const { drill, person, random } = this;
    if (conversation.sent.length === 0) return;
    await search(drill, person, random.pick(conversation.sent).word, door);
  }
}
