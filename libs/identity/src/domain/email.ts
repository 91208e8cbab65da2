import { codePoints, foldCase, isText, mailboxKey } from '@edgechat/kernel';

/** An e-mail address: as it was given, and what it is compared by. */
export interface Email {
  readonly address: string;
  /** Without case, in the spelling of its domain and letters that was given: where two accounts have one mailbox, this says which. */
  readonly key: string;
  /** The mailbox, whose account there is at most one of (`mailboxKey`). */
  readonly mailboxKey: string;
}

/** Longest address in characters (RFC 5321 §4.5.3.1.3 leaves 254 of its 256 octets for the address itself). */
export const EMAIL_MAX_CHARACTERS = 254;
const LOCAL_MAX_CHARACTERS = 64;

// RFC 5321 `atext`, and for RFC 6531 every character beyond ASCII that is no blank, control or unassigned one. Quoted local parts are not taken.
const LOCAL = /^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|(?![\p{C}\p{Z}])\P{ASCII})+$/u;
const LABEL = /^(?!-)[\p{L}\p{N}\p{M}-]{1,63}(?<!-)$/u;

/** Reads an e-mail address: `local@domain` with a dot in the domain, at most 254 characters. Null for what is none; blanks around it make it none. */
export function parseEmail(text: string): Email | null {
  if (!isText(text) || codePoints(text) > EMAIL_MAX_CHARACTERS) return null;

  const at = text.lastIndexOf('@');
  const isAddress = at > 0 && isLocalPart(text.slice(0, at)) && isDomain(text.slice(at + 1));
  return isAddress ? { address: text, key: foldCase(text), mailboxKey: mailboxKey(text) } : null;
}

function isLocalPart(local: string): boolean {
  return codePoints(local) <= LOCAL_MAX_CHARACTERS && local.split('.').every((part) => LOCAL.test(part));
}

function isDomain(domain: string): boolean {
  const labels = domain.split('.');
  const last = labels.at(-1) ?? '';
  return labels.length >= 2 && labels.every((label) => LABEL.test(label)) && !/^[0-9]+$/.test(last);
}
