/** Inboxes and member lists, conversations with as many members as there are, and keys that are used again with other content. */
export function lists({ attackers, call }) {
  const everybody = Object.values(attackers)
    .flat()
    .map(({ id }) => id);
  const unknown = Array.from({ length: 900 }, (_, n) => 1_000_000 + n);
  const conversations = '/chat/conversations';
  const ACTS = [
    (account) => call(account, 'GET', `${conversations}?limit=100`),
    (account) => call(account, 'GET', `${conversations}?limit=100&skip=1000000`),
    (account) => call(account, 'GET', `${conversations}/${account.crowd}/members?limit=100`),
    (account) => call(account, 'POST', conversations, { body: { kind: 'group', member_ids: everybody } }),
    (account) =>
      call(account, 'POST', conversations, { body: { kind: 'group', member_ids: [...everybody, ...unknown] } }),
    (account, n) =>
      call(account, 'POST', `${conversations}/${account.own}/messages`, {
        body: { content: `${n} ${'more '.repeat(6_000)}` },
        key: `key-${n % 7}`,
      }),
  ];
  return {
    name: 'inboxes, members and keys',
    perSecond: 10,
    underWayMax: 100,
    act: (n) => ACTS[n % ACTS.length](attackers.lists[n % attackers.lists.length], n),
  };
}
