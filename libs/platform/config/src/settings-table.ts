import { SETTINGS, type Setting } from './settings.js';

/** The configuration table of README.md: one row a setting, in the order of `.env.example`. */
export function settingsTable(): string {
  const rows = Object.entries<Setting<unknown>>(SETTINGS).map(([name, one]) => {
    const unset = one.fallback === undefined || one.fallback === '' ? '' : `\`${one.fallback}\``;
    return `| \`${name}\`${one.isSecret ? ` or \`${name}_FILE\`` : ''} | ${unset} | ${one.usedBy.join(', ')} | ${cell(one.doc)} |\n`;
  });
  return `| variable | default | read by | meaning |\n| --- | --- | --- | --- |\n${rows.join('')}`;
}

/** A sentence as it can stand in a table: `|` would end the cell, `*` might make the rest slanted. */
function cell(sentence: string): string {
  return sentence.replace(/[|*]/g, '\\$&');
}
