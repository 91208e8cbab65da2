/**
 * Calls `check` until it neither throws nor resolves to false, and gives what it resolved to. For tests that wait for something to become true; never sleep instead.
 * @param withinMs after this long the last failure is thrown
 */
export async function eventually<T>(
  check: () => Promise<T> | T,
  { withinMs = 20_000, everyMs = 50 }: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<Exclude<T, false>> {
  const until = Date.now() + withinMs;
  for (;;) {
    try {
      const result = await check();
      if (result !== false) return result as Exclude<T, false>;
      if (Date.now() > until) throw new Error(`still false after ${withinMs} ms`);
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
