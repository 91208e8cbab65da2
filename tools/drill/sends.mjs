import { pause } from '../local-stack/processes.mjs';
import { isLater } from './door.mjs';

const AGAIN_MS = { least: 100, spread: 200 };

export const messagesOf = (conversation) => `/chat/conversations/${conversation.id}/messages`;
/** As an app that waits a moment before it tries again. */
export const breathe = (random) => pause(AGAIN_MS.least + random.whole(AGAIN_MS.spread));

/**
 * Makes a send, or repeats it with its key, and holds the answer against all that is known.
 * @returns {Promise<'kept' | 'later' | 'refused'>} `later`: nobody knows whether it is kept; `refused`: its sender is no member
 */
export async function trySend(drill, send, door) {
  const { truth, violations } = drill;
  const { conversation, person } = send;
  const before = truth.standing(conversation, person);
  const wasKept = send.fate === 'accepted';
  send.tries += 1;
  const isFirst = send.tries === 1;
  const { content, key } = send;
  // The two ways to give a key are the same.
  const given = send.isKeyInBody ? { body: { content, client_id: key } } : { body: { content }, key };
  const answer = await door.call('POST', messagesOf(conversation), {
    token: person.token,
    ...given,
    expects: [200, 404],
  });
  const standing = truth.standingSince(before);
  const place = `${truth.place(conversation, send.seq)}, ${person.name}, ${key} by ${door.app.name}`;
  if (answer.status === 404) {
    if (standing === 'in') violations.add('a member was not found', `${place}: ${answer.body.code}`);
    return 'refused';
  }
  const { user_message: message } = answer.body;
  if (message === undefined) return 'later';

  if (standing === 'out' || send.isProbe) violations.add('a send of somebody removed got through', place);
  truth.served();
  truth.see(conversation, message, person);
  truth.accept(send, message);
  truth.askMark(person, conversation, message.seq);
  truth.tellMark(person, conversation, message.seq);
  const isRepeat = answer.headers['idempotency-replayed'] === 'true';
  if (answer.status === 200 && wasKept && !isRepeat) violations.add('a repeat that is not called one', place);
  if (answer.status === 200 && isFirst && send.tries === 1 && isRepeat)
    violations.add('a first send that is called a repeat', place);
  judgeReply(drill, send, answer, place);
  return 'kept';
}

/** Who asked is answered in the call itself where the assistant answers each message, and told of the owed answer elsewhere. */
function judgeReply({ truth, violations }, send, { status, body: { model_message: answer, reply, code } }, place) {
  const { conversation, person } = send;
  if (status !== 200) {
    if (!conversation.waits)
      violations.add('a call waited for an answer where none is waited for', `${place}: ${code}`);
    return;
  }
  if ((answer !== null) !== conversation.waits)
    violations.add(
      'an answer returned where none is waited for, or none where one is',
      `${place}: ${JSON.stringify(answer).slice(0, 200)}`,
    );
  if ((reply !== null) !== send.isOwedAnswer)
    violations.add(
      'an answer owed for no question, or none for one',
      `${place}: ${JSON.stringify(reply)}, ${JSON.stringify(send.content.slice(0, 100))}`,
    );
  if (reply !== null) {
    if (send.replyId !== null && send.replyId !== reply.id)
      violations.add('two replies to one question', `${place}: ${send.replyId} and ${reply.id}`);
    send.replyId = reply.id;
  }
  if (answer === null) return;
  truth.see(conversation, answer, person);
  if (answer.answers_seq !== send.seq)
    violations.add('an answer to another question', `${place}: to ${answer.answers_seq}`);
  truth.askMark(person, conversation, answer.seq);
  truth.tellMark(person, conversation, answer.seq);
}

/** Sends until it is known what became of it, or the drill is over; through either API at each try. */
export async function deliver(drill, send, random) {
  for (;;) {
    const outcome = await trySend(drill, send, random.pick(drill.doors));
    if (outcome !== 'later' || !drill.isOn) return outcome;
    drill.count('retries');
    await breathe(random);
  }
}

/** The same key through both APIs at once. */
export async function deliverTwice(drill, send, random) {
  drill.count('repeats at once');
  await Promise.all(drill.doors.map((door) => trySend(drill, send, door)));
  return send.fate === 'accepted' ? 'kept' : deliver(drill, send, random);
}

/** The same key with another content: refused, whoever asks and whenever. */
export async function reuseKey(drill, send, door) {
  const { person, conversation, content, key } = send;
  drill.count('keys used anew');
  const answer = await door.call('POST', messagesOf(conversation), {
    token: person.token,
    body: { content: `${content}!` },
    key,
    expects: [422, 404],
  });
  if (!isLater(answer) && answer.status === 422 && answer.body.code !== 'idempotency_key_reused')
    drill.violations.add('a key used anew was refused otherwise', JSON.stringify(answer.body));
}
