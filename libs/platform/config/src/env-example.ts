import { SETTINGS, type Setting } from './settings.js';

/** The text of `.env.example`: every setting with its meaning and default, commented out, since everything works with nothing set. */
export function envExample(): string {
  const blocks = Object.entries<Setting<unknown>>(SETTINGS).map(
    ([name, one]) => `# ${one.doc} [${one.usedBy.join(', ')}]\n# ${name}=${one.fallback ?? ''}\n`,
  );
  const namesOf = (isOne: (one: Setting<unknown>) => boolean): string =>
    Object.entries<Setting<unknown>>(SETTINGS)
      .filter(([, one]) => isOne(one))
      .map(([name]) => name)
      .join(', ');
  return `# Copy to .env and set what you need. Nothing here has to be set.
#
# A secret may come from a file instead: <NAME>_FILE is then the path of a file that holds the value and nothing else. So with
# ${namesOf(({ isSecret }) => isSecret)}.
#
# A limit of 0 lets nobody through, unlimited everybody. So with ${namesOf(isLimit)}.

${blocks.join('\n')}`;
}

const isLimit = ({ parse }: Setting<unknown>): boolean =>
  parse.safeParse('unlimited').success && parse.safeParse('0').success && !parse.safeParse('text').success;
