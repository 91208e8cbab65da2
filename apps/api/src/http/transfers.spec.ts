import { Transfers, type Cut, type Transfer } from './transfers.js';

const PACE = { bytesPerS: 1_000, windowMs: 60, checkEveryMs: 5 };

describe('the bytes that clients make the process hold', () => {
  const open: Transfers[] = [];
  afterEach(() => open.splice(0).forEach((one) => one.close()));

  const bounded = (maxBytes: number, maxBytesPerHolder = Number.POSITIVE_INFINITY) => {
    const transfers = new Transfers({ maxBytes, maxBytesPerHolder, pace: { ...PACE, windowMs: 60_000 } });
    open.push(transfers);
    const cut: string[] = [];
    const begin = (key: string, name = key): Transfer =>
      transfers.begin(key, { cut: (why: Cut) => cut.push(`${name} ${why}`), isGone: () => false });
    return { transfers, cut, begin };
  };

  it('are bounded together, and each transfer that ends gives its own back', () => {
    const { transfers, cut, begin } = bounded(100);
    const [a, b] = [begin('a'), begin('b')];
    expect([transfers.hold(a, 60), transfers.hold(b, 60), transfers.hold(b, 40)]).toEqual([true, false, true]);
    expect([cut, transfers.bytes]).toEqual([[], 100]);
    transfers.end(b);
    transfers.end(b);
    transfers.end(a);
    expect(transfers.bytes).toBe(0);
  });

  it('are taken from whoever holds most, the slowest first, when the asker holds less', () => {
    const { transfers, cut, begin } = bounded(100);
    const fast = begin('greedy', 'fast');
    const slow = begin('greedy', 'slow');
    const other = begin('other');
    for (const one of [fast, slow]) transfers.hold(one, 40);
    transfers.hold(other, 20);
    fast.movedBytes = 30;
    slow.movedBytes = 10;
    expect(transfers.hold(begin('new'), 30)).toBe(true);
    expect(cut).toEqual(['slow room']);
    expect(transfers.bytes).toBe(90);
  });

  it('are not taken from those who hold no more than the asker would', () => {
    const { transfers, cut, begin } = bounded(100);
    for (const key of ['a', 'b', 'c', 'd']) transfers.hold(begin(key), 25);
    const asker = begin('new');
    expect([transfers.hold(asker, 25), transfers.hold(asker, 24)]).toEqual([false, true]);
    expect(cut).toHaveLength(1);
  });

  it('are shared: no holder has more than its share, but for one thing whatever its size', () => {
    const { transfers, begin } = bounded(1_000, 50);
    const [first, second] = [begin('a', 'first'), begin('a', 'second')];
    expect([transfers.hold(first, 200), transfers.hold(second, 1)]).toEqual([true, false]);
    transfers.end(first);
    expect(transfers.hold(second, 30)).toBe(true);
  });

  it('are for nobody when the limit is 0, and for everybody when there is none', () => {
    const none = bounded(0);
    expect(none.transfers.hold(none.begin('a'), 1)).toBe(false);
    const noShare = bounded(100, 0);
    expect(noShare.transfers.hold(noShare.begin('a'), 1)).toBe(false);
    const unlimited = bounded(Number.POSITIVE_INFINITY);
    expect(unlimited.transfers.hold(unlimited.begin('a'), 2 ** 40)).toBe(true);
  });

  it('count small things too, which are never refused; who holds over 1 MiB of them loses some', () => {
    const { transfers, cut, begin } = bounded(0);
    for (let n = 0; n < 40; n += 1) transfers.holdSmall(begin('a'), 65_536);
    expect(transfers.bytes).toBe(1_048_576);
    expect(cut).toHaveLength(24);
    transfers.holdSmall(begin('b'), 65_536);
    expect(cut).toHaveLength(24);
  });

  it('are given back by what is gone before anybody is cut', () => {
    const { transfers, cut, begin } = bounded(100);
    let isGone = false;
    const gone = transfers.begin('gone', { cut: () => cut.push('gone'), isGone: () => isGone });
    transfers.hold(gone, 100);
    isGone = true;
    expect(transfers.hold(begin('a'), 100)).toBe(true);
    expect([cut, transfers.bytes]).toEqual([[], 100]);
  });
});
