/** The last lines of a start; see what-to-try.mjs. */
export function whatToTry(
  base: string,
  engines: readonly string[],
  ai: string,
  api?: { isOpen?: boolean; hasDocs?: boolean },
): string[];
