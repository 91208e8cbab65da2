import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { agentOf, call } from './client.mjs';
import { bodies } from './attacks/bodies.mjs';
import { brokenHttp, slowHeaders } from './attacks/broken-http.mjs';
import { lists } from './attacks/lists.mjs';
import { logins } from './attacks/logins.mjs';
import { pages } from './attacks/pages.mjs';
import { prompts } from './attacks/prompts.mjs';
import { searches } from './attacks/searches.mjs';
import { texts } from './attacks/texts.mjs';
import { newTally, pace } from './pace.mjs';

// The generator of the attackers' load, a process of its own: `node attackers.mjs <plan>`, where the plan says the phase, who there is, and where
// the figures go. In the calm phase each call of each attack is replaced by a harmless one at the same instant.

/** What is under way at the end comes to an end within this time, or is not told of. */
const ENDS_WITHIN_MS = 2_000;
const SOCKETS_PER_ADDRESS = 256;
const ATTACKS = [texts, searches, pages, bodies, prompts, lists, logins, brokenHttp, slowHeaders];

/** What an attack has: who makes it, and how to call. */
function sceneOf({ port, addresses, attackers, large }) {
  const ending = new AbortController();
  const agents = new Map(addresses.map((address) => [address, agentOf(address, SOCKETS_PER_ADDRESS)]));
  return {
    port,
    addresses,
    attackers,
    large,
    signal: ending.signal,
    /** A call of an account, or of an address without a token. @returns {Promise<string>} status and code */
    async call({ address, token }, method, path, options) {
      const answer = await call({ port, agent: agents.get(address) }, method, path, { token, ...options });
      return answer.status === 0 && ending.signal.aborted ? 'under way at the end' : answer.reason;
    },
    end() {
      ending.abort();
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

/** Small sends, pages and searches, by all accounts in turns. */
function harmless(scene) {
  const all = Object.values(scene.attackers).flat();
  let next = 0;
  return () => {
    next += 1;
    const account = all[next % all.length];
    const path = `/chat/conversations/${account.own}/messages`;
    if (next % 3 === 0) return scene.call(account, 'POST', path, { body: { content: `An ordinary message ${next}` } });
    if (next % 3 === 1) return scene.call(account, 'GET', `${path}?limit=20`);
    return scene.call(account, 'GET', '/search?q=ordinary%20message&limit=20');
  };
}

async function main(planFile) {
  const plan = JSON.parse(readFileSync(planFile, 'utf8'));
  const scene = sceneOf(plan);
  const tallies = {};
  const calm = harmless(scene);
  await wait(plan.waitS * 1_000);
  await Promise.all(
    ATTACKS.map((attack) => {
      const { name, act, perSecond, ...pacing } = attack(scene);
      const tally = (tallies[name] = newTally());
      const paced = { ...pacing, perSecond: perSecond * plan.rate };
      return pace(paced, plan.isCalm ? calm : act, { seconds: plan.seconds, tally });
    }),
  );
  scene.end();
  const endedAt = Date.now();
  await wait(ENDS_WITHIN_MS);
  writeFileSync(plan.resultFile, JSON.stringify({ tallies, endedAt }));
  process.exit(0); // whatever sockets are left
}

await main(process.argv[2]);
