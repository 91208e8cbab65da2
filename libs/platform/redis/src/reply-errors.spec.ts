import { ReplyError } from 'ioredis';
import { Refusals } from './refusals.js';
import { isOutage, remedyFor } from './reply-errors.js';

const answered = (message: string, more: object = {}): Error => {
  const error: unknown = Object.assign(new ReplyError(message), more);
  return error instanceof Error ? error : new Error('no error');
};
const aborted = (...why: string[]): Error =>
  answered('EXECABORT Transaction discarded because of previous errors.', {
    previousErrors: why.map((w) => answered(w)),
  });

const FULL = "OOM command not allowed when used memory > 'maxmemory'.";

describe('what Redis answers while it cannot work', () => {
  it.each([
    [FULL, /memory is full/],
    [`${FULL} script: 36b48df1, on @user_script:1.`, /memory is full/],
    [`ERR Error running script (call to f_5ab4): @user_script:7: @user_script: 7: -${FULL}`, /memory is full/],
    ['MISCONF Errors writing to the AOF file: No space left on device', /disk full/],
    ['MISCONF Errors writing to the AOF file: No space left on device script: 5ab4, on @user_script:7.', /disk full/],
    ['MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.', /disk full/],
    [
      'ERR Error running script (call to f_5ab4): @user_script:7: @user_script: 7: -MISCONF Errors writing to the AOF file',
      /disk full/,
    ],
    ["READONLY You can't write against a read only replica.", /primary/],
    ["READONLY You can't write against a read only replica. script: 6cb2, on @user_script:1.", /primary/],
    ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', /SCRIPT KILL/],
    ['NOAUTH Authentication required.', /password/],
    ["NOPERM this user has no permissions to run the 'incr' command", /ACL/],
    ["NOPERM User edgechat has no permissions to run the 'incr' command", /ACL/],
    ["ERR The user executing the script can't run this command or subcommand script: 2bab, on @user_script:1.", /ACL/],
    ['ERR ACL failure in script: User u has no permissions', /ACL/],
    ['NOREPLICAS Not enough good replicas to write.', /min-replicas-to-write/],
  ])('is an outage with something to do: %s', (message, remedy) => {
    for (const error of [answered(message), aborted(message, message)])
      expect([isOutage(error), remedyFor(error)]).toEqual([true, expect.stringMatching(remedy)]);
  });

  it.each([
    'LOADING Redis is loading the dataset in memory',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'CLUSTERDOWN The cluster is down',
  ])('is an outage that passes: %s', (message) =>
    expect([isOutage(answered(message)), remedyFor(answered(message))]).toEqual([true, undefined]),
  );

  it.each([
    'ERR unknown command',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'BUSYGROUP Consumer Group name already exists',
    'ERR Error running script: attempt to index nil',
  ])('is told from a bug: %s', (message) => {
    for (const error of [answered(message), aborted(FULL, message)]) expect(isOutage(error)).toBe(false);
  });
});

describe('a Redis that refuses to work', () => {
  it('is told of once for each reason, and again after a minute in which it refused nothing', () => {
    const told: (string | undefined)[] = [];
    let nowMs = 0;
    const said = new Set<string>();
    const trouble = {
      has: (_: unknown, hint = '') => {
        if (!said.has(hint)) told.push(/^.*?(?=[:,(.])/.exec(hint)?.[0]);
        said.add(hint);
      },
      isOver: () => said.clear(),
    };
    const refusals = new Refusals(trouble, () => nowMs);
    const after = (ms: number, error: Error): void => {
      nowMs += ms;
      refusals.note(error);
    };

    for (const ms of [0, 1, 59_000, 59_000]) after(ms, answered(FULL));
    after(1, answered('READONLY You can not write'));
    after(1, new Error('connect ECONNREFUSED'));
    after(61_000, answered(FULL));

    expect(told).toEqual(['Its memory is full ', 'It is a replica', 'Its memory is full ']);
  });
});
