import { checkSends, must, passOver } from './checks.mjs';
import { GROUPS, PASSWORD, PEOPLE, READERS } from './data.mjs';
import { conversationIdOf, messageIdOf, textOf } from './text.mjs';

// What is measured on product and floor in turns. `plan` makes what the generator is told, `check` looks whether the run counts.

const WORDS = textOf(42);
const LIMIT = 50;
const PAST_THE_END = Number.MAX_SAFE_INTEGER;
const idsOf = (group) => Array.from({ length: GROUPS[group].count }, (_, n) => conversationIdOf(group, n));

/** @param {{ id: string, title: string, group: string, ownersOnly: boolean, family?: string, isOne?: boolean, areAnswered?: boolean, connections?: number }} about `isOne`: each run into one conversation of the group, the next one each time */
function sending({ id, title, family, group, ownersOnly, isOne = false, areAnswered = false, connections = 64 }) {
  const all = idsOf(group);
  let runs = 0;
  return {
    id,
    title,
    family,
    groups: [group],
    connections,
    owes: true,
    plan(bench, run) {
      const conversations = isOne ? [all[runs++ % all.length]] : all;
      const accounts = ownersOnly
        ? conversations.map((_, n) => (n % PEOPLE) + 1)
        : Array.from({ length: 64 }, (_, i) => (group === 'busy' ? i + 1 : READERS.page + (i % 2)));
      return {
        driver: 'send',
        data: {
          run,
          conversations,
          tokens: accounts.map((account) => bench.token(account)),
          own: ownersOnly,
          words: WORDS,
        },
      };
    },
    check: (bench, { kept }) => checkSends(bench.stores, all, kept.flat(), { areAnswered }),
    forget: (bench) => passOver(bench.stores, all),
  };
}

/** @param {{ id: string, title: string, family?: string, groups: string[], requests: (token: (account: number) => string) => { path: string, token: string }[], mustBe: (answer: object) => void }} about */
function reading({ id, title, family, groups, connections = 8, requests, mustBe }) {
  const asked = (bench) => requests((account) => bench.token(account));
  return {
    id,
    title,
    family,
    groups,
    connections,
    owes: false,
    isRead: true,
    plan: (bench) => ({ driver: 'get', data: { requests: asked(bench) } }),
    async check(bench, _result, subject) {
      mustBe(await bench.answerOf(subject, asked(bench)[0]));
    },
  };
}

function page(size, place) {
  const group = `page${size}`;
  const before = place === 'newest' ? PAST_THE_END : Math.floor(size / 2) + LIMIT / 2;
  const last = place === 'newest' ? size : before - 1;
  return reading({
    id: `page-${size}-${place}`,
    family: `page ${place}`,
    title: `page of ${LIMIT} messages, ${place === 'newest' ? 'the newest' : 'from the middle'} of ${size.toLocaleString('en')}`,
    groups: [group],
    requests: (token) =>
      idsOf(group).map((id) => ({
        path: `/api/v1/chat/conversations/${id}/messages?limit=${LIMIT}&before_seq=${before}`,
        token: token(READERS.page),
      })),
    mustBe({ messages, has_more }) {
      must(messages.length === LIMIT && has_more === last > LIMIT, `a page of ${size} has ${messages.length} messages`);
      messages.forEach(({ seq, id, content }, i) => {
        const isRight =
          seq === last - LIMIT + 1 + i &&
          id === messageIdOf(conversationIdOf(group, 0), seq) &&
          content === textOf(seq);
        must(isRight, `a page of ${size} has the wrong message at ${seq}`);
      });
    },
  });
}

/** Both sizes show ten conversations: what is compared is what the others cost. */
function inbox(group, size, accounts) {
  return reading({
    id: `inbox-${size}`,
    family: 'inbox',
    title: `page of 10 conversations, of an account with ${size.toLocaleString('en')}`,
    groups: [group],
    requests: (token) =>
      accounts.map((account) => ({ path: '/api/v1/chat/conversations?limit=10', token: token(account) })),
    mustBe({ conversations, has_more }) {
      const isOrdered = conversations.every(
        ({ updated_at }, i) => i === 0 || updated_at <= conversations[i - 1].updated_at,
      );
      must(
        conversations.length === 10 &&
          isOrdered &&
          has_more === size > 10 &&
          conversations.every(({ last_message }) => last_message !== null),
        `an inbox of ${size} shows the wrong page`,
      );
    },
  });
}

function search(group, size, account) {
  // Words that are rare, common, and both together.
  const queries = ['lobade', 'kiba', 'deba kiba', 'muba lo'];
  return reading({
    id: `search-${size}`,
    title: `search in ${size.toLocaleString('en')} messages`,
    groups: [group],
    requests: (token) =>
      queries.map((q) => ({ path: `/api/v1/search?q=${encodeURIComponent(q)}&limit=20`, token: token(account) })),
    mustBe({ hits }) {
      must(
        hits.every(({ message, snippet }) => message.content.length > 0 && snippet.some(({ match }) => match)),
        `a search in ${size} shows a hit without a match`,
      );
    },
  });
}

const LOGIN_CONNECTIONS = 8;
const REFRESH_CONNECTIONS = 16;

const login = {
  id: 'login',
  title: 'login',
  groups: [],
  connections: LOGIN_CONNECTIONS,
  owes: false,
  async plan(bench) {
    bench.sessionsBefore = await bench.countSessions();
    const logins = Array.from({ length: PEOPLE }, (_, i) => ({
      email: `bench-${i + 1}@example.com`,
      password: PASSWORD,
    }));
    return { driver: 'login', data: { logins, connections: LOGIN_CONNECTIONS } };
  },
  async check(bench, { answered }) {
    const made = (await bench.countSessions()) - bench.sessionsBefore;
    must(made === answered, `${answered} logins made ${made} sessions`);
  },
};

const refresh = {
  id: 'refresh',
  title: 'refresh of a session',
  groups: [],
  connections: REFRESH_CONNECTIONS,
  owes: false,
  async plan(bench) {
    const refreshTokens = await Promise.all(Array.from({ length: REFRESH_CONNECTIONS }, (_, i) => bench.logIn(i + 1)));
    bench.generationsBefore = await bench.sumGenerations();
    return { driver: 'refresh', data: { refreshTokens } };
  },
  async check(bench, { answered }) {
    const turned = (await bench.sumGenerations()) - bench.generationsBefore;
    must(turned === answered, `${answered} refreshes turned sessions ${turned} times`);
  },
};

/** In the order they are measured: reads first, on tables that no send has grown. */
export const SCENARIOS = [
  ...[100, 1_000, 10_000, 100_000].map((size) => page(size, 'newest')),
  ...[100, 100_000].map((size) => page(size, 'middle')),
  inbox(
    'few',
    10,
    Array.from({ length: 10 }, (_, i) => READERS.few + i),
  ),
  inbox('many', 5_000, [READERS.many, READERS.many + 1]),
  search('searchFew', 1_000, READERS.searchFew),
  search('searchMany', 200_000, READERS.searchMany),
  login,
  refresh,
  sending({ id: 'send', title: 'send, 64 connections into 1,000 conversations', group: 'send', ownersOnly: true }),
  sending({ id: 'send-one', title: 'send, 64 connections into one conversation', group: 'busy', ownersOnly: false }),
  ...[100, 1_000, 10_000, 100_000].map((size) =>
    sending({
      id: `send-${size}`,
      title: `send, 64 connections into one conversation of ${size.toLocaleString('en')}`,
      family: 'send to sizes',
      group: `page${size}`,
      ownersOnly: false,
      isOne: true,
    }),
  ),
  // (With 64 connections the engines of a small machine are overloaded: calls took more than a second, and one in some hundreds was refused.)
  sending({
    id: 'answer',
    title: "send with the demo assistant's answer, 16 connections",
    group: 'answer',
    ownersOnly: true,
    areAnswered: true,
    connections: 16,
  }),
];
