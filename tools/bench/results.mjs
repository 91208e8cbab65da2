import { median, ratioOf, spreadOf } from './statistics.mjs';

// From runs to figures, and from figures to what was to be reached. Pure.

const STORES = ['app', 'worker', 'postgres', 'mongo', 'redis'];

/** @param {readonly object[]} runs of one subject */
function summaryOf(runs) {
  const middle = (of) => median(runs.map(of));
  return {
    perSecond: spreadOf(runs.map((run) => run.perSecond)),
    p50Ms: middle((run) => run.p50Ms),
    p99Ms: middle((run) => run.p99Ms),
    cpuUs: Object.fromEntries(STORES.map((name) => [name, middle((run) => run.cpuUs[name])])),
    delayP99Ms: middle((run) => run.delay.p99Ms),
    backlog: middle((run) => run.backlog),
    drainedS: middle((run) => run.drainedS),
  };
}

/** One line of the results. @param {{ id: string, title: string, connections: number }} scenario @param {{ runs: { product: object[], floor: object[] }, failures: object }} measured */
export function lineOf({ id, title, connections }, { runs, failures }) {
  const line = { id, title, connections, failures };
  if (runs.product.length > 0) line.product = summaryOf(runs.product);
  if (runs.floor.length > 0) line.floor = summaryOf(runs.floor);
  if (failures.product === undefined && failures.floor === undefined) {
    line.ratio = ratioOf(
      runs.product.map((run) => run.perSecond),
      runs.floor.map((run) => run.perSecond),
    );
    line.cpuRatio = ratioOf(
      runs.product.map((run) => run.cpuUs.app),
      runs.floor.map((run) => run.cpuUs.app),
    );
  }
  return line;
}

const atLeast = (what, value, goal) => ({ what, value, goal: `>= ${goal}`, isReached: value >= goal });
const atMost = (what, value, goal) => ({ what, value, goal: `<= ${goal}`, isReached: value <= goal });

/** What was to be reached, of what was measured. @param {{ lines: object[], special: Record<string, object> }} results */
export function goalsOf({ lines, special }) {
  const find = (id) => lines.find((line) => line.id === id);
  const goals = [];
  const rates = [
    ['send', 2_600],
    ['send-one', 1_700],
    ['page-100-newest', 1_900],
    ['page-100000-newest', 1_900],
    ['page-100-middle'],
    ['page-100000-middle'],
    ['inbox-10'],
    ['inbox-5000'],
  ];
  for (const [id, rate] of rates) {
    const line = find(id);
    if (line === undefined) continue;
    goals.push(atLeast(`${line.title}: part of the floor's rate`, line.ratio?.median ?? 0, 0.8));
    goals.push(atMost(`${line.title}: CPU of the API, times the floor's`, line.cpuRatio?.median ?? Infinity, 1.5));
    if (rate !== undefined) goals.push(atLeast(`${line.title}: per second`, line.product?.perSecond.median ?? 0, rate));
  }
  for (const [small, large] of [
    ['page-100-newest', 'page-100000-newest'],
    ['page-100-middle', 'page-100000-middle'],
    ['inbox-10', 'inbox-5000'],
    ['send-100', 'send-100000'],
  ]) {
    const cost = (id) => Object.values(find(id)?.product?.cpuUs ?? {}).reduce((sum, us) => sum + us, 0);
    if (cost(small) > 0 && cost(large) > 0)
      goals.push(atMost(`CPU of all processes, ${large} to ${small}`, cost(large) / cost(small), 1.2));
  }
  return [...goals, ...sendGoals(find('send')), ...specialGoals(special, find('send'))];
}

function sendGoals(send) {
  if (send?.product === undefined || send.floor === undefined) return [];
  return [
    atMost('send: seconds until the backlog is gone after the load', send.product.drainedS, 5),
    atMost("send: event-loop delay p99 above the floor's, ms", send.product.delayP99Ms - send.floor.delayP99Ms, 20),
  ];
}

function specialGoals({ rest, calls, overload }, send) {
  const goals = [];
  if (rest?.api)
    goals.push(
      atMost('API: memory at rest, MiB', rest.api.residentMiB, 150),
      atMost('API: start, ms', rest.api.startMs, 2_000),
    );
  if (calls?.api)
    goals.push(
      atMost(
        'send: calls of PostgreSQL by the API per send',
        Object.entries(calls.api)
          .filter(([name]) => name.startsWith('postgres'))
          .reduce((sum, [, n]) => sum + n, 0),
        1,
      ),
    );
  if (overload?.perSecond && send?.product)
    goals.push(atLeast('overload: part of the best rate', overload.perSecond / send.product.perSecond.median, 0.8));
  return goals;
}
