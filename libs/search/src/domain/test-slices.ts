import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { SLICES, Slices, type Slice } from '@edgechat/kernel';

/** Does long work and says how many characters each of its slices took. */
export async function slicesOf<Result>(
  work: (slices: Slices) => Promise<Result>,
): Promise<{ readonly result: Result; readonly characters: readonly number[] }> {
  const name = `test ${Math.random()}`;
  const characters: number[] = [];
  const onSlice = (slice: unknown): void => {
    const { work: of, characters: taken } = slice as Slice;
    if (of === name) characters.push(taken);
  };
  subscribe(SLICES, onSlice);
  try {
    const slices = new Slices(name);
    const result = await work(slices);
    slices.end();
    return { result, characters };
  } finally {
    unsubscribe(SLICES, onSlice);
  }
}

/** Work whose slices do not matter. */
export const inSlices = <Result>(work: (slices: Slices) => Promise<Result>): Promise<Result> =>
  work(new Slices('test'));
