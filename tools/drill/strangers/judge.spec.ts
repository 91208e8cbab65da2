import { Violations } from '../violations.mjs';
import { judge, waitsOf } from './judge.mjs';

const callsOf = (kind: string, ms: number, count = 100) =>
  Array.from({ length: count }, () => ({ kind, at: 0, ms, reason: '200', isGood: true }));

/** What a drill saw in which every promise was kept. */
const kept = () => ({
  calm: { name: 'calm', honest: { calls: callsOf('send', 10) } },
  attack: {
    name: 'attack',
    honest: { calls: callsOf('send', 30) },
    peaks: { 'api 1': 380, 'worker 1': 400 },
    probes: { 'api 1': { works: { search: { count: 9, longestMs: 50, mostCharacters: 65_536 } } } },
  },
  owed: { seconds: 3, left: [], unanswered: [] },
  missing: [],
});

function violationsOf(figures: object, withTimes = true): string[] {
  const violations = new Violations();
  judge({ ...kept(), ...figures }, violations, { withTimes });
  return violations.lines().map((line) => line.trim());
}

describe('what is held against a drill of strangers', () => {
  it('is nothing when every figure is at its limit', () => expect(violationsOf({})).toEqual([]));

  it('is each call of the honest that was not answered as it should be, in either phase', () => {
    const honest = { calls: [{ kind: 'page', at: 1_500, ms: 20, reason: '503 service_unavailable', isGood: false }] };
    expect(violationsOf({ calm: { name: 'calm', honest } }, false)).toEqual([
      'to the honest: 503 service_unavailable (1):',
      'calm, 1.5 s after its beginning, page: after 20 ms',
    ]);
  });

  it('is a wait of more than three times that beside harmless calls, of each kind and of all', () => {
    const { attack } = kept();
    expect(violationsOf({ attack: { ...attack, honest: { calls: callsOf('send', 31) } } })).toEqual([
      'the honest wait too long (2):',
      'all but ask: p99 31 ms, 3.1 times the 10 ms beside harmless calls',
      'send: p99 31 ms, 3.1 times the 10 ms beside harmless calls',
    ]);
    expect(violationsOf({ attack: { ...attack, honest: { calls: callsOf('send', 31) } } }, false)).toEqual([]);
    expect(violationsOf({ attack: { ...attack, honest: { calls: callsOf('send', 31, 99) } } })).toEqual([]);
  });

  it('is a calm in which the machine does not carry the harmless calls', () => {
    const calls = callsOf('send', 501);
    expect(violationsOf({ calm: { name: 'calm', honest: { calls } } })).toEqual([
      'the machine is too busy or too slow to compare (1):',
      'p99 501 ms beside harmless calls, more than 500',
    ]);
  });

  it('is memory above the limit of the process', () => {
    const attack = { ...kept().attack, peaks: { 'api 1': 381, 'worker 1': 401, 'worker 2': 12 } };
    expect(violationsOf({ attack }, false)).toEqual([
      'too much memory (2):',
      'api 1: 381 MiB, more than 380',
      'worker 1: 401 MiB, more than 400',
    ]);
  });

  it('is a slice of more than 50 ms, and that none was measured', () => {
    const { attack } = kept();
    const works = { fold: { count: 1, longestMs: 51, mostCharacters: 7 } };
    expect(violationsOf({ attack: { ...attack, probes: { 'worker 1': { works } } } })).toEqual([
      'a slice is too long (1):',
      'worker 1, fold: 51 ms',
    ]);
    expect(violationsOf({ attack: { ...attack, probes: { 'worker 1': { works: {} } } } })[0]).toBe(
      'no slice was measured (1):',
    );
  });

  it('is what is owed at the end: work, answers to the honest, and messages that are not found', () => {
    const owed = {
      seconds: null,
      left: [{ what: 'outbox search', entries: 38, attempts: 0 }],
      unanswered: [{ status: 'failed', replies: 2 }],
    };
    expect(violationsOf({ owed, missing: ['qzword'] }, false)).toEqual([
      'owed work is left 30 s after the end (1):',
      'outbox search: 38 entries, up to 0 attempts',
      'questions of the honest have no answer (1):',
      '2 replies are failed',
      'a message of the honest is not found (1):',
      'qzword',
    ]);
  });
});

describe('the waits of the honest', () => {
  it('are counted by kind; all together are without those for the provider and for health', () => {
    const waits = waitsOf([...callsOf('send', 10), ...callsOf('ask', 2_000), ...callsOf('health', 1)]);
    expect(waits.get('all but ask')).toEqual({ count: 100, p50Ms: 10, p99Ms: 10, maxMs: 10 });
    expect(waits.get('ask')).toEqual({ count: 100, p50Ms: 2_000, p99Ms: 2_000, maxMs: 2_000 });
    expect([...waits.keys()]).toEqual(['all but ask', 'send', 'ask', 'health']);
  });
});
