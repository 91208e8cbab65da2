import { Injectable } from '@nestjs/common';
import { Refusal } from '@edgechat/kernel';
import { Config } from '@edgechat/platform/config';
import { foldPassword, isGuessable } from '../domain/guessable.js';
import { commonPasswords } from './common-passwords.js';

/** This program, whatever it is called here. */
const PROGRAM = 'edgechat';

/** Which passwords may be set. A login takes any: what was set before stays good. */
@Injectable()
export class PasswordRules {
  constructor(private readonly config: Config) {}

  /** True for a password that anybody guesses first: one of the 10,000 most common, or `isGuessable`. Linear in the password. */
  async isTooCommon(password: string, email: string): Promise<boolean> {
    const names = [PROGRAM, this.config.appName];
    return isGuessable(password, { email, names }) || (await commonPasswords()).has(foldPassword(password));
  }

  /** @param field where the request has the password @throws Refusal `password_too_common` */
  async refuseCommon(field: 'password' | 'new_password', password: string, email: string): Promise<void> {
    if (!(await this.isTooCommon(password, email))) return;

    const detail = `${field} is among the first that anybody guesses: a common one, one character repeated, or the name of this service or your e-mail address. Choose another, such as four words that do not belong together.`;
    throw new Refusal('password_too_common', detail, {
      errors: [{ field: `/${field}`, code: 'too_common', detail }],
    });
  }
}
