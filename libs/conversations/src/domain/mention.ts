/** `@assistant` at the beginning of a word, in any case; not inside an address (`me@assistant.example`) or another word (`@assistants`). */
const MENTION = /(?<![\p{L}\p{N}\p{M}_.+@-])@assistant(?![\p{L}\p{N}\p{M}_@]|[.-][\p{L}\p{N}])/iu;

/** True when a text asks the assistant of its conversation by name. */
export function mentionsAssistant(text: string): boolean {
  return MENTION.test(text);
}
