import { randomUUID } from 'node:crypto';
import { eventually, must, pause } from './checks.mjs';
import { Client } from './client.mjs';

/** Below the limit of requests that an account has when nothing is set (100 a minute). */
const EVERY_MS = 1_000;

/**
 * Sends of many accounts, each with a client key and repeated until it is answered, for as long as something is done to the system.
 * Half of the conversations have an assistant that answers, half only store.
 */
export class Load {
  constructor(url, senders) {
    this.url = url;
    this.senders = senders;
    this.isRunning = true;
    this.sends = [];
    this.refused = [];
    this.repeats = 0;
  }

  /** Makes the accounts, and begins. */
  static async start(url, senders = 20) {
    const load = new Load(url, senders);
    load.people = [];
    for (let n = 0; n < senders; n += 1) {
      const client = await new Client(url).register();
      load.people.push({ client, conversation: await client.conversation(n % 2 === 0 ? 'off' : 'always') });
    }
    load.loops = load.people.map((person) => load.loop(person));
    return load;
  }

  /** How many sends were accepted so far. */
  get accepted() {
    return this.sends.length;
  }

  /** Waits until so many more were accepted: the system takes sends again. */
  async more(count, withinMs = 60_000) {
    const enough = this.accepted + count;
    await eventually(`${count} more sends are accepted`, () => this.accepted >= enough, withinMs);
  }

  async loop({ client, conversation }) {
    await pause(Math.random() * EVERY_MS);
    while (this.isRunning) {
      const beganAt = Date.now();
      const content = `load ${randomUUID()}`;
      const { status, body, asked } = await client.sendUntilAnswered(conversation, content, content.slice(5));
      this.repeats += asked - 1;
      if (status === 200)
        this.sends.push({ conversation, content, id: body.user_message.id, seq: body.user_message.seq });
      else this.refused.push({ status, body });
      await pause(Math.max(0, EVERY_MS - (Date.now() - beganAt)));
    }
  }

  /** Ends the load and looks at everything that was accepted. @returns what was lost, doubled, refused and repeated */
  async end() {
    this.isRunning = false;
    await Promise.all(this.loops);
    const result = {
      accepted: this.accepted,
      repeats: this.repeats,
      refused: this.refused.length,
      lost: 0,
      doubled: 0,
      holes: 0,
      unanswered: 0,
    };
    for (const { client, conversation } of this.people) {
      const sent = this.sends.filter((send) => send.conversation === conversation);
      const isSilent = this.isSilent(conversation);
      const all = isSilent ? await client.messages(conversation) : await answered(client, conversation);
      const bySeq = new Map(all.map((message) => [message.seq, message]));
      const questions = all.filter(({ role }) => role === 'user');
      const answers = all.filter(({ role }) => role === 'model').map(({ answers_seq: seq }) => seq);
      result.lost += sent.filter(
        ({ seq, id, content }) => bySeq.get(seq)?.id !== id || bySeq.get(seq)?.content !== content,
      ).length;
      result.doubled +=
        questions.length -
        new Set(questions.map(({ content }) => content)).size +
        answers.length -
        new Set(answers).size;
      result.holes += all.filter(({ seq }, i) => seq !== i + 1).length;
      result.unanswered += isSilent ? 0 : questions.length - new Set(answers).size;
    }
    return { ...result, firstRefusal: this.refused[0] };
  }

  isSilent(conversation) {
    return this.people.findIndex((person) => person.conversation === conversation) % 2 === 0;
  }
}

/** The messages of a conversation, once nothing more is to come (at most 20 s are waited for answers that are owed). */
export async function answered(client, conversation) {
  const until = Date.now() + 20_000;
  for (;;) {
    const all = await client.messages(conversation);
    const models = all.filter(({ role }) => role === 'model').length;
    if (models * 2 === all.length || Date.now() > until) return all;
    await pause(500);
  }
}

/** Says that nothing went wrong under a load. @throws Unmet */
export function mustBeWhole(result) {
  const { accepted, lost, doubled, refused, holes, unanswered } = result;
  must(
    accepted > 0 && lost + doubled + refused + holes + unanswered === 0,
    'nothing is lost, doubled, refused or unanswered',
    result,
  );
}
