import { Refusal } from '@edgechat/kernel';

/** An account is in at most so many large conversations: each of them is looked at for each page of its inbox. */
export const LARGE_MAX = 500;

/** Of those in at most so many into which it was taken by somebody with whom it never sent a message: the rest stays for people whom it knows. */
export const LARGE_OF_STRANGERS_MAX = 100;

/** One of the people is in as many large groups as an account may be, of strangers or at all. Which one, and which of the two, is nobody else's business. */
export const tooManyLarge = (): Refusal =>
  new Refusal(
    'too_many_large_groups',
    `One of these accounts is in as many large groups as it can be: ${LARGE_MAX}, and ${LARGE_OF_STRANGERS_MAX} of people in whose conversations it never wrote. Leave it out, or let it leave one of them, or write in a conversation with you, first.`,
  );

/** A list names an account that does not exist. It does not say which: a list of guesses is not told apart into hits and misses. @param field the list, as a JSON pointer */
export function unknownAccount(field: string): Refusal {
  const detail = `${field.slice(1)} names an account that does not exist.`;
  return new Refusal(
    'unknown_account',
    `${detail} Nothing was made or changed: look people up by their e-mail address.`,
    {
      errors: [{ field, code: 'unknown_account', detail }],
    },
  );
}

/** The caller may meet no more strangers for now. */
export const tooManyStrangers = (retryAfterS: number | null): Refusal =>
  new Refusal(
    'too_many_strangers',
    'These are more people who never wrote in a conversation with you than you may still add or write to today. Nothing was made or changed. Name fewer of them, or try again later, as Retry-After says.',
    { retryAfterS: retryAfterS ?? 1 },
  );
