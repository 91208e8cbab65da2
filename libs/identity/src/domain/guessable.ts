import { foldCase } from '@edgechat/kernel';

/** Characters as people see them: a letter with its accent is one. */
const CHARACTERS = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** What makes a password easy to guess for whoever knows whose it is, and where. */
export interface Surroundings {
  /** The account's e-mail address. */
  readonly email: string;
  /** Names of this service. */
  readonly names: readonly string[];
}

/**
 * What passwords are compared by to tell whether they are common: NFKC (so that full-width letters are letters), without what is never drawn, without case, without blanks around.
 * Linear in the text.
 */
export function foldPassword(password: string): string {
  return foldCase(password.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '')).trim();
}

/**
 * True for a password that is guessed without any list: nothing but blanks, one character repeated, or the account's address, its local part or a name of the service, also with up to four digits or
 * signs behind (`edgechat2026`, `ada.lovelace!`). Linear in the password.
 */
export function isGuessable(password: string, { email, names }: Surroundings): boolean {
  const folded = foldPassword(password);
  if (/^[\p{White_Space}\u2800]*$/u.test(folded) || isOneCharacter(folded) || isOneCharacter(password)) return true;
  return [email, email.slice(0, email.lastIndexOf('@')), ...names].some((known) => isNearly(folded, known));
}

function isOneCharacter(text: string): boolean {
  const [first] = CHARACTERS.segment(text);
  const length = first?.segment.length ?? 0;
  return length > 0 && length < text.length && text === first?.segment.repeat(text.length / length);
}

function isNearly(folded: string, known: string): boolean {
  const [text, name] = [folded, foldPassword(known)].map((one) => one.replace(/\p{White_Space}/gu, ''));
  if (text === undefined || name === undefined || name === '' || !text.startsWith(name)) return false;
  return /^[^\p{L}\p{M}]{0,4}$/u.test(text.slice(name.length));
}
