import { parseEmail, type Email } from '@edgechat/identity/operator';
import { AdminError } from './admin-context.js';

/** The e-mail address that a command was given. @param usage how to say it, such as `set-password <email>` @throws AdminError for what is none */
export function emailOf(text: string, usage: string): Email {
  const email = parseEmail(text);
  if (email === null) throw new AdminError(`This is no e-mail address. Say: admin ${usage}`);
  return email;
}

/** What is said where no account has the address. */
export const noAccount = (): AdminError => new AdminError('There is no account with this e-mail address.');
