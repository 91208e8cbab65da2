import { SETTINGS, type Setting } from './settings.js';

/** The text of `.env.example`: every setting with its meaning and default, commented out, since everything works with nothing set. */
export function envExample(): string {
  const blocks = Object.entries<Setting<unknown>>(SETTINGS).map(([name, one]) => `# ${one.doc} [${one.usedBy.join(', ')}]\n# ${name}=${one.fallback ?? ''}\n`);
  return `# Copy to .env and set what you need. Nothing here has to be set.\n\n${blocks.join('\n')}`;
}
