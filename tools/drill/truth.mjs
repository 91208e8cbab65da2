import { rareWord, rareWordsOf, textWith } from './texts.mjs';

/** After this long a question was answered, or failed and must be asked anew. */
const OPEN_MS = 15_000;
const LOOKED_AT = 100;

/**
 * What must be true, known by nothing but what was sent and answered. What holds here:
 * 1. A send is `unknown` until an answer says that its message is kept, then `accepted` for good, at one seq.
 * 2. `ledger` holds each message as it was first seen; whoever sees it otherwise later has found a violation.
 * 3. A membership is `in` or `out` only between the answer to one change and the request of the next; else it is `moving`, and anything goes.
 *
 * @typedef {{ n: number, id: number, name: string, token: string, knows: Map<number, number>, marks: Map<number, number>, marksAsked: Map<number, Set<number>> }} Person
 *   `knows`: by conversation, the highest seq this person was told of; `marks`: the read mark it was told of; `marksAsked`: marks that may have been set
 * @typedef {{ key: string, word: string, content: string, person: Person, conversation: object, isOwedAnswer: boolean, isProbe: boolean, isKeyInBody: boolean, fate: 'unknown' | 'accepted', seq: number | null, id: string | null, madeAt: number, tries: number, replyId: string | null }} Send
 */
export class Truth {
  people = [];
  conversations = [];
  sends = [];
  #byWord = new Map();
  /** When sends were taken. */
  servedAt = [];

  constructor(violations) {
    this.violations = violations;
  }

  addPerson(person) {
    this.people.push({ ...person, knows: new Map(), marks: new Map(), marksAsked: new Map() });
  }

  addConversation(id, { kind, assistant, owner, others, rotating, silentAfter }) {
    const members = new Map([owner, ...others].map((n) => [n, { state: 'in', version: 0 }]));
    for (const n of rotating) members.set(n, { state: 'out', version: 0 });
    const waits = kind === 'assistant' && assistant === 'always';
    this.conversations.push({
      n: this.conversations.length,
      id,
      kind,
      assistant,
      owner,
      rotating,
      silentAfter,
      waits,
      members,
      ledger: new Map(),
      answers: new Map(),
      questions: [],
      sent: [],
      closed: [],
    });
  }

  /** The conversations a person is in, for sure. */
  conversationsOf(person) {
    return this.conversations.filter(({ members }) => members.get(person.n)?.state === 'in');
  }

  /** The people who are in a conversation, for sure. */
  membersOf(conversation) {
    return this.people.filter(({ n }) => conversation.members.get(n)?.state === 'in');
  }

  move(conversation, person, state) {
    const member = conversation.members.get(person.n);
    member.state = state;
    member.version += 1;
  }

  /** Writes down a send before it is made. `isProbe`: it must be refused. */
  newSend(person, conversation, random, { hasMention = false, isProbe = false } = {}) {
    const n = this.sends.length;
    const word = rareWord(random, n);
    const isOwedAnswer = conversation.assistant === 'always' || (conversation.assistant === 'mention' && hasMention);
    const send = {
      key: `key-${n}`,
      word,
      content: textWith(word, random, hasMention),
      person,
      conversation,
      isOwedAnswer,
      isProbe,
      fate: 'unknown',
      seq: null,
      id: null,
      isKeyInBody: n % 2 === 1,
      madeAt: performance.now(),
      tries: 0,
      replyId: null,
    };
    this.sends.push(send);
    conversation.sent.push(send);
    if (isOwedAnswer) conversation.questions.push(send);
    this.#byWord.set(word, send);
    return send;
  }

  /** The send a text comes from: a message's own, or of an answer its question's. */
  sendOf(content) {
    return this.#byWord.get(rareWordsOf(content)[0] ?? '');
  }

  /** Somebody was told that a send is kept at this place. */
  accept(send, { id, seq }) {
    if (send.fate === 'accepted' && (send.seq !== seq || send.id !== id))
      return this.violations.add(
        'one key, two messages',
        `${this.place(send.conversation, send.seq)} and ${seq}, key ${send.key}`,
      );
    if (send.fate === 'unknown') Object.assign(send, { fate: 'accepted', seq, id });
  }

  /** Somebody was shown a message. @param message as the API shows it @param reader to whom */
  see(conversation, message, reader) {
    const {
      id,
      seq,
      role,
      author_id: author,
      author_name: name,
      content,
      answers_seq: answersSeq,
      created_at: createdAt,
      conversation_id: where,
      client_id: clientId,
    } = message;
    const place = this.place(conversation, seq);
    if (where !== conversation.id) this.violations.add('a message of another conversation', place);
    const known = conversation.ledger.get(seq);
    const shown = JSON.stringify([id, role, author, name, content, answersSeq, createdAt]);
    if (known !== undefined && known.shown !== shown)
      this.violations.add(
        'not the same message for everybody',
        `${place}: ${known.shown.slice(0, 200)} and ${shown.slice(0, 200)}`,
      );
    if (known === undefined) {
      conversation.ledger.set(seq, { shown, id, seq, role, author, content, answersSeq, createdAt });
      if (role === 'user') this.#seeSent(message, place);
      else this.#seeAnswer(conversation, message, place);
    }
    this.tell(reader, conversation, seq);
    const expected = role === 'user' && author === reader.id ? this.sendOf(content)?.key : null;
    if (clientId !== expected)
      this.violations.add('a client key shown wrongly', `${place} to ${reader.name}: ${clientId}`);
  }

  #seeSent(message, place) {
    const send = this.sendOf(message.content);
    if (send === undefined || send.content !== message.content || send.person.id !== message.author_id)
      return this.violations.add('a message that nobody sent so', `${place}: ${JSON.stringify(message).slice(0, 300)}`);
    if (send.conversation.id !== message.conversation_id)
      this.violations.add('a message in another conversation than it was sent to', place);
    if (send.isProbe) this.violations.add('a send of somebody removed got through', place);
    this.accept(send, message);
  }

  #seeAnswer(conversation, { answers_seq: question, seq, author_id: author }, place) {
    const other = conversation.answers.get(question);
    if (other !== undefined) this.violations.add('two answers to one question', `${place} and ${other} to ${question}`);
    conversation.answers.set(question, seq);
    if (!(question < seq) || author !== null)
      this.violations.add('an answer out of place', `${place} to ${question} by ${author}`);
  }

  /** A person was told that a conversation goes up to here, at least. */
  tell(person, conversation, seq) {
    person.knows.set(conversation.n, Math.max(seq, this.known(person, conversation)));
  }

  known(person, conversation) {
    return person.knows.get(conversation.n) ?? 0;
  }

  /** A person was told that its read mark is here, at least. */
  tellMark(person, conversation, seq) {
    person.marks.set(conversation.n, Math.max(seq, person.marks.get(conversation.n) ?? 0));
  }

  askMark(person, conversation, seq) {
    if (!person.marksAsked.has(conversation.n)) person.marksAsked.set(conversation.n, new Set());
    person.marksAsked.get(conversation.n).add(seq);
  }

  /** How many of a conversation's newest questions may still be worked on, as far as anybody was shown. */
  openQuestions(conversation) {
    const since = performance.now() - OPEN_MS;
    return conversation.questions
      .slice(-LOOKED_AT)
      .filter((send) => send.madeAt > since && !conversation.answers.has(send.seq)).length;
  }

  /** How a person stands to a conversation now; `standingSince` tells whether that has held on. */
  standing(conversation, person) {
    return { ...conversation.members.get(person.n), conversation, person };
  }

  /** @returns {'in' | 'out' | 'moving'} what held from then until now */
  standingSince({ state, version, conversation, person }) {
    return conversation.members.get(person.n).version === version ? state : 'moving';
  }

  served() {
    this.servedAt.push(performance.now());
  }

  place(conversation, seq) {
    return `conversation ${conversation.n} (${conversation.kind}, ${conversation.assistant}, ${conversation.id}) seq ${seq}`;
  }
}
