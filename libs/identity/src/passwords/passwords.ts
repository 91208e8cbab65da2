import { hash, verify } from '@node-rs/argon2';

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane. `algorithm: 2` is argon2id (a const enum, which isolated modules cannot name). */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const CURRENT = '$argon2id$v=19$m=19456,t=2,p=1$';
const ARGON2 = /^\$argon2(?:id|i|d)\$/;
const BCRYPT = /^\$2[aby]\$/;

/** The hash of a random password nobody has: what a login with an unknown e-mail address is checked against, so that it takes as long. */
export const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$fv/HdTGaJiydcmsk/Nem4Q$MptbEfsKvB3yFhFb9ii4/h18jAIgRngY2GfnjVB/rbA';

/** What a password is of a hash: it fits; it fits, and the hash should be replaced by a new one (`hashPassword`); or it is another's. */
export type Fit = 'right' | 'outdated' | 'wrong';

/**
 * The forms in which a password is tried: the one that hashes are made of, and where that differs the one that was sent, of which hashes were made before. How many there are is said by the password
 * alone, whoever's it is.
 * The form of hashes is by the mappings of RFC 8265's OpaqueString and by nothing else of it, which would refuse: blanks beyond ASCII are U+0020, then NFC. So it is the same from every keyboard.
 */
export function formsOf(password: string): readonly [form: string, asSent?: string] {
  const form = password.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  return form === password ? [form] : [form, password];
}

/** Hashes a password with argon2id, every character of it, in the thread pool. Takes 19 MiB and about 50 ms: run it in a `HashingSlots`. */
export function hashPassword(password: string): Promise<string> {
  return hash(formsOf(password)[0], PARAMETERS);
}

/** Tries each form of a password, which is one guess: takes as long as `verifyPassword` does, or twice as long where there are two forms. Run it in a `HashingSlots`. */
export async function fitPassword(password: string, stored: string): Promise<Fit> {
  const [form, asSent] = formsOf(password);
  if (await verifyPassword(form, stored)) return isOutdated(stored) ? 'outdated' : 'right';
  return asSent !== undefined && (await verifyPassword(asSent, stored)) ? 'outdated' : 'wrong';
}

/**
 * True when the password, in this very form, belongs to the stored hash: argon2, or bcrypt (`$2a$`, `$2b$`, `$2y$`) of the first backend, which looks at the first 72 bytes only.
 * A stored text that is neither belongs to no password. In the thread pool, about 50 ms (bcrypt of cost 12: 250 ms): run it in a `HashingSlots`.
 */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  if (ARGON2.test(stored)) return verify(stored, password);
  if (!BCRYPT.test(stored)) return false;

  // Loaded at first need: only accounts of the first backend have such hashes, and each only until its next login.
  const bcrypt = await import('@node-rs/bcrypt');
  return bcrypt.verify(password, stored);
}

/** True when a hash was not made with today's algorithm and parameters, so that a login should replace it. */
export function isOutdated(stored: string): boolean {
  return !stored.startsWith(CURRENT);
}
