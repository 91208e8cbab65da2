import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const LIBS = join(import.meta.dirname, '../../libs');
const DOMAIN = join(LIBS, 'search/src/domain');

/**
 * What the product computes of a text without any store or framework: how it is cut into terms, what a query asks for, which piece of a text is shown. Floor and loader use the very same, so that the
 * floor differs from the product by what stands around it alone.
 */
export async function searchDomain() {
  const folder = mkdtempSync(join(tmpdir(), 'edgechat-bench-domain-'));
  const outfile = join(folder, 'domain.mjs');
  const contents = `export { tsvectorOf } from './terms.js'; export { parseQuery, tsQueriesOf } from './query.js'; export { matchText } from './snippet.js'; export { Slices } from '@edgechat/kernel';`;
  try {
    await build({
      stdin: { contents, resolveDir: DOMAIN, loader: 'ts' },
      bundle: true,
      alias: { '@edgechat/kernel': join(LIBS, 'kernel/src/index.ts') },
      platform: 'node',
      format: 'esm',
      target: 'node20',
      outfile,
      tsconfigRaw: '{}',
      logLevel: 'silent',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
