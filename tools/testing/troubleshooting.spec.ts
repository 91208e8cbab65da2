import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');

/** Sentences of the page: its quotes, each of which the product prints. `…` stands for what differs. */
const sentences = [...page.matchAll(/(?:^>.*\n)+/gm)].map(([quote]) =>
  quote.replace(/^> ?/gm, '').replace(/\s+/g, ' ').trim(),
);

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(
      (file) =>
        /\.(?:mjs|ts|yml)$/.test(file) && !/spec\.ts$|(?:^|\/)(?:node_modules|testing|bench|drill)\//.test(file),
    )
    .map((file) => join(ROOT, folder, file));
}

/** The texts of a source file as they are printed: what is put together is one text, and what differs in it is `…`. */
function textsOf(source: string): string {
  return source
    .replace(/\$\{[^{}`]*(?:`[^`]*`[^{}`]*|\{[^{}]*\}[^{}`]*)*\}/g, '…')
    .replace(/['"`]\s*\+\s*(?:[\w.()]+\s*\+\s*)['"`]/g, '…')
    .replace(/['"`]\s*\+\s*['"`]/g, '')
    .replace(/\\(['"`])/g, '$1');
}

/** Any words may stand for `…`, and a sentence may go on where the page stops. */
function isPrinted(sentence: string, texts: readonly string[]): boolean {
  const parts = sentence.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(parts.join('[^\\n]{0,120}?'));
  return texts.some((text) => pattern.test(text));
}

const texts = ['tools', 'apps', 'libs'].flatMap(sourcesIn).map((file) => textsOf(readFileSync(file, 'utf8')));

describe('docs/troubleshooting.md', () => {
  it('has sentences', () => expect(sentences.length).toBeGreaterThan(20));

  it.each(sentences)('quotes what the product prints: %s', (sentence) => {
    expect(isPrinted(sentence, texts)).toBe(true);
  });

  it('would notice a sentence that the product does not print', () => {
    expect(isPrinted('Port … is taken by another program: stop this one', texts)).toBe(false);
  });

  it.each(sentences)('says enough of it to be searched for: %s', (sentence) => {
    expect(sentence.replaceAll('…', '').trim().split(' ').length).toBeGreaterThan(1);
  });
});
