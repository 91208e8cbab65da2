import { readInfo, RedisUnfit, warningsAbout } from './fitness.js';

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
