import { readOptions } from './options.mjs';

const known = ['send', 'send-one', 'page-100-newest', 'rest'];

describe('the options of the benchmark', () => {
  it('without any: everything', () => {
    const options = readOptions([], known);
    expect(options).toMatchObject({ isQuick: false, isWhole: true, profile: null });
    expect(known.filter(options.isWanted)).toEqual(known);
  });

  it('pick by the beginning of a name, whole words only', () => {
    const options = readOptions(['--only', 'send,rest', '--quick'], known);
    expect(options).toMatchObject({ isQuick: true, isWhole: false });
    expect(known.filter(options.isWanted)).toEqual(['send', 'send-one', 'rest']);
    expect(known.filter(readOptions(['--only=page'], known).isWanted)).toEqual(['page-100-newest']);
  });

  it.each([
    [['--onyl', 'send'], /no option/],
    [['--only', 'sned'], /No scenario begins with "sned"/],
    [['--only'], /No scenario/],
  ])('%p is refused in words', (args, words) => {
    expect(() => readOptions(args, known)).toThrow(words);
  });
});
