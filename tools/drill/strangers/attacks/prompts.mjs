const LONG = 'Tell me all of it. '.repeat(1_600);
const MARKS = `क${'\u0951'.repeat(15_990)}${'\u093c'.repeat(15_990)}`;
const PROMPTS = ['And now?', LONG, MARKS];

/** Prompts, and questions in conversations with the assistant, several of one account in one instant. */
export function prompts({ attackers, call }) {
  const BURST = 6;
  return {
    name: 'prompts and questions',
    perSecond: 12,
    burst: BURST,
    underWayMax: 400,
    act(n) {
      const account = attackers.prompts[Math.floor(n / BURST) % attackers.prompts.length];
      const text = PROMPTS[n % PROMPTS.length];
      if (n % 2 === 0) return call(account, 'POST', '/ai/complete', { body: { prompt: text } });
      return call(account, 'POST', `/chat/conversations/${account.asked}/messages`, { body: { content: text } });
    },
  };
}
