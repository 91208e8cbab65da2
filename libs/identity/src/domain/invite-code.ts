import { createHash, randomBytes } from 'node:crypto';

/** Crockford's base 32: no letter that reads as a digit or as another letter. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 140 bits. */
const CODE_CHARACTERS = 28;
const GROUP = /.{4}(?=.)/g;

/** Longest text that is taken for a code, in characters: the code as it is shown has 34. */
export const INVITE_CODE_MAX_CHARACTERS = 64;

/** A code that nobody guesses (140 random bits), in seven groups of four: `7H2K-…`. */
export function newInviteCode(): string {
  // 256 is a multiple of 32: each digit is equally likely.
  const digits = Array.from(randomBytes(CODE_CHARACTERS), (byte) => DIGITS.charAt(byte % DIGITS.length));
  return digits.join('').replace(GROUP, '$&-');
}

/**
 * What is kept of a code, and compared: SHA-256, which is enough for what nobody guesses. The same for every way to write the code: in any case, with or without blanks and hyphens, with `O` for 0 and `I` or `L` for 1.
 * Null for a text without any character that counts.
 */
export function hashInviteCode(text: string): Buffer | null {
  const code = text
    .replace(/[\s\p{Pd}]/gu, '')
    .toUpperCase()
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  return code === '' ? null : createHash('sha256').update(code).digest();
}
