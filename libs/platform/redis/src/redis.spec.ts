import { ReplyError } from 'ioredis';
import { readInfo, RedisUnfit, warningsAbout } from './fitness.js';
import { isOutage } from './redis.js';

const answered = (message: string, more: object = {}): Error => {
  const error: unknown = Object.assign(new ReplyError(message), more);
  return error instanceof Error ? error : new Error('no error');
};

describe('what Redis answers while its disk or memory is full', () => {
  it.each([
    'MISCONF Errors writing to the AOF file: No space left on device',
    "OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF Errors writing to the AOF file: No space left on device script: 5ab4, on @user_script:7.',
    'ERR Error running script (call to f_5ab4): @user_script:7: @user_script: 7: -MISCONF Errors writing to the AOF file',
    "ERR Error running script (call to f_5ab4): @user_script:7: @user_script: 7: -OOM command not allowed when used memory > 'maxmemory'.",
    'READONLY You cannot write against a read only replica.',
  ])('is an outage, which passes: %s', (message) => expect(isOutage(answered(message))).toBe(true));

  it('is one for a transaction that was not taken because of it, and no other', () => {
    const aborted = (why: string) => answered('EXECABORT Transaction discarded', { previousErrors: [answered(why)] });
    expect(isOutage(aborted('OOM command not allowed'))).toBe(true);
    expect(isOutage(aborted("ERR wrong number of arguments for 'set' command"))).toBe(false);
  });

  it.each([
    'ERR unknown command',
    'WRONGTYPE Operation against a key',
    'ERR Error running script: attempt to index nil',
  ])('is told from a bug: %s', (message) => expect(isOutage(answered(message))).toBe(false));
});

describe('what a Redis says of itself', () => {
  const info = (lines: readonly string[]) => readInfo(['# Server', ...lines, ''].join('\r\n'));

  it.each([
    [['redis_version:7.0.15', 'redis_mode:standalone', 'role:master', 'maxmemory_policy:noeviction']],
    [['redis_version:6.2.0']],
    [['redis_version:10.1']],
    [[]],
  ])('is fine with %j', (lines) => expect(warningsAbout(info(lines))).toEqual([]));

  it.each([['5.0.14'], ['6.0.16'], ['2.8']])('is refused with the version %s', (version) =>
    expect(() => warningsAbout(info([`redis_version:${version}`]))).toThrow(
      new RedisUnfit(`Redis ${version} is too old: 6.2 or newer is needed.`),
    ),
  );

  it.each([
    ['maxmemory_policy:allkeys-lru', /^Redis has the maxmemory-policy allkeys-lru, .* Set it to noeviction\.$/],
    ['maxmemory_policy:volatile-ttl', /volatile-ttl/],
    ['cluster_enabled:1', /^This Redis is a cluster, which is not supported/],
    ['redis_mode:cluster', /^This Redis is a cluster/],
    ['role:slave', /^This Redis is a replica, which takes no writes/],
  ])('is warned of with %s', (line, sentence) =>
    expect(warningsAbout(info(['redis_version:7.2.4', line]))).toEqual([expect.stringMatching(sentence)]),
  );
});
