/** Scripts that part words by no blank: beside them a word begins and ends. Korean does before words, but hangs particles on them. */
const UNSPACED = ['Han', 'Hiragana', 'Katakana', 'Thai', 'Lao', 'Khmer', 'Myanmar']
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join('');
const BEFORE = `(?<=^|[${UNSPACED}]|[^\\p{L}\\p{N}\\p{M}_.+@/-])`;
const AFTER = `(?=$|[${UNSPACED}\\p{Script=Hangul}]|[^\\p{L}\\p{N}\\p{M}_@.-]|[.-](?![\\p{L}\\p{N}]))`;
const MENTION = new RegExp(`${BEFORE}@assistant${AFTER}`, 'iu');

/** True when a text asks the assistant of its conversation by name: `@assistant` at the beginning of a word, in any case; not inside an address (`me@assistant.example`, `https://example.com/@assistant`) or another word (`@assistants`). */
export function mentionsAssistant(text: string): boolean {
  return text.includes('@') && MENTION.test(text);
}
