import { SETTINGS, type Setting } from './settings.js';

/** The text of `.env.example`: every setting with its meaning and default, commented out, since everything works with nothing set. */
export function envExample(): string {
  const blocks = Object.entries<Setting<unknown>>(SETTINGS).map(
    ([name, one]) => `# ${one.doc} [${one.usedBy.join(', ')}]\n# ${name}=${one.fallback ?? ''}\n`,
  );
  const secrets = Object.entries<Setting<unknown>>(SETTINGS)
    .filter(([, one]) => one.isSecret)
    .map(([name]) => name);
  return `# Copy to .env and set what you need. Nothing here has to be set.
#
# A secret may come from a file instead: <NAME>_FILE is then the path of a file that holds the value and nothing else. So with
# ${secrets.join(', ')}.

${blocks.join('\n')}`;
}
