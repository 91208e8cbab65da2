import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS } from '@edgechat/kernel';
import { format, resolveConfig } from 'prettier';
import { errorsHtml, errorsMarkdown } from './errors-page.js';

const FILE = join(import.meta.dirname, '../../../../docs/errors.md');

/** Markdown as Prettier writes it here: a page is kept in that form. */
const formatMarkdown = async (text: string): Promise<string> =>
  format(text, { ...(await resolveConfig(FILE)), parser: 'markdown' });

describe('the page about errors', () => {
  it('is docs/errors.md, word for word (write it anew with WRITE_DOCS=1)', async () => {
    const page = await formatMarkdown(errorsMarkdown());
    if (process.env['WRITE_DOCS'] === '1') writeFileSync(FILE, page);
    expect(readFileSync(FILE, 'utf8')).toBe(page);
  });

  it('has an anchor for every code', () => {
    const page = errorsHtml();
    for (const code of Object.keys(ERRORS)) expect(page).toContain(`<section id="${code}">`);
    expect(page).not.toContain('`');
    expect(page).toContain('&lt;access_token>');
  });
});
