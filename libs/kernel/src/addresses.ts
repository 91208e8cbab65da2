import { domainToASCII, domainToUnicode } from 'node:url';

/** What a keyboard for Chinese, Japanese or Korean writes in another width: each has one counterpart that means the same. */
const OTHER_WIDTH = /[\uff00-\uffef]/gu;
/** Domains that IDNA has something to say about; of all others it would at best make IP addresses. */
const INTERNATIONAL = /[^\0-\x7f]|xn--/u;
const ENDS_IN_A_NUMBER = /(?:^|\.)[0-9]+$/;

/**
 * NFC, and case folded code point by code point, so that the result depends neither on the database's locale nor on a letter's place in a word. Folds to itself.
 * Letters that only look alike (dotless `ı` and `i`, `ſ` and `s`) stay different.
 */
export function foldCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  const lower = Array.from(text.normalize('NFC'), (character) => character.toLowerCase()).join('');
  return lower.replaceAll('ς', 'σ').normalize('NFC');
}

/**
 * The mailbox that an e-mail address means, as far as everybody knows: equal for addresses that differ in case, in the spelling of an international domain (`bücher.example`, `xn--bcher-kva.example`) or
 * in the width of letters. Nothing else is joined in the local part: what NFKC calls compatible (`²` and `2`, `ﬁ` and `fi`, `ſ` and `s`) may be two people's at one domain.
 * `address` has a domain (RFC 5321, RFC 6531); linear in it, but for the at most 63 characters of a label.
 */
export function mailboxKey(address: string): string {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at).replace(OTHER_WIDTH, (character) => character.normalize('NFKC'));
  const domain = address.slice(at + 1);
  return `${foldCase(local)}@${asciiDomain(domain) ?? foldCase(domain)}`;
}

/** The ASCII form of a domain in any spelling; null when it has none. */
function asciiDomain(domain: string): string | null {
  const folded = foldCase(domain);
  if (!INTERNATIONAL.test(folded)) return folded;
  // Folded once more behind its ASCII form, which may spell what is no lower case, or a final sigma.
  const ascii = domainToASCII(foldCase(domainToUnicode(domainToASCII(folded))));
  return ascii === '' || ENDS_IN_A_NUMBER.test(ascii) ? null : ascii;
}
