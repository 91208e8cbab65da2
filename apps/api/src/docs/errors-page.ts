import { createHash } from 'node:crypto';
import { ERRORS, type ErrorRow } from '@edgechat/kernel';
import { CONTENT_POLICY } from '../http/content-policy.js';

const INTRODUCTION =
  'Every error is a problem document (RFC 9457): `type`, `title`, `status`, `detail`, `code`, `request_id` and `instance`, and for a failed validation `errors`. Branch on `code`, which never changes; `detail` is for people.';

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}code{background:#8882;padding:0 .2em}:target{background:#fd06}';

/** Lets the page `/errors` use its own style sheet and nothing else. */
export const ERRORS_PAGE_POLICY = `${CONTENT_POLICY}; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

const ROWS: readonly (readonly [string, ErrorRow])[] = Object.entries(ERRORS);

/** As in: 503, 422 from `POST /ai/complete`. */
const statuses = ({ status, statusAt = {} }: ErrorRow): string =>
  [`${status}`, ...Object.entries(statusAt).map(([call, other]) => `${other} from \`${call}\``)].join(', ');

/** docs/errors.md: every code in the order of the table. `errors-page.spec.ts` holds the file to it, and writes it when told to. */
export function errorsMarkdown(): string {
  const sections = ROWS.map(([code, row]) => `## ${code}\n\n${statuses(row)} · ${row.title}\n\n${row.help}\n`);
  return `# Errors\n\n${INTRODUCTION}\n\n${sections.join('\n')}`;
}

/** The same as a page, whose anchors the `type` of each problem document points to. */
export function errorsHtml(): string {
  const sections = ROWS.map(
    ([code, row]) =>
      `<section id="${code}"><h2>${code}</h2><p>${html(statuses(row))} · ${html(row.title)}</p><p>${html(row.help)}</p></section>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Errors</title><style>${STYLE}</style></head><body><h1>Errors</h1><p>${html(INTRODUCTION)}</p>${sections.join('')}</body></html>`;
}

/** Escapes a sentence of the table and shows its `code` as code. */
function html(sentence: string): string {
  return sentence
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/`([^`]*)`/g, '<code>$1</code>');
}
