const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const WORDS = [
  'Grüße',
  'naïve',
  'façade',
  'привет',
  'Ελλάδα',
  'żółć',
  'příliš',
  '今天在北京',
  '東京の駅',
  'สวัสดี',
  '안녕하세요',
  'مرحبا',
  'नमस्ते',
  "O'Brien",
  '🙂👍🏽',
  'two\nlines',
  'a\ttab',
  '100 %',
  '<b>bold</b>',
  '$1',
  '\\x',
  '"quoted"',
  'me@assistant.example',
  '@assistants',
  'assistant',
  'lorem',
  'ipsum',
];
const MENTIONS = ['@assistant', '@Assistant,', '@ASSISTANT:', '(@assistant)'];
const WORD = /\bqz[a-z]{9}\b/g;
const LONG_CHARACTERS = 6_000;

/** A word that stands in one message only: all of them have eleven letters, so none begins another. */
export function rareWord(random, n) {
  const own = Array.from({ length: 5 }, (_, i) => LETTERS[Math.floor(n / 26 ** i) % 26]).join('');
  return `qz${own}${Array.from({ length: 4 }, () => random.pick([...LETTERS])).join('')}`;
}

/** The rare words in a text: its own, and in an answer that of its question. */
export const rareWordsOf = (text) => text.match(WORD) ?? [];

/** A text with a rare word in it; with a mention of the assistant only if told. */
export function textWith(word, random, hasMention) {
  const words = [word, ...Array.from({ length: 1 + random.whole(8) }, () => random.pick(WORDS))];
  if (hasMention) words.splice(random.pick([0, 1, words.length]), 0, random.pick(MENTIONS));
  const text = words.join(' ');
  return random.chance(0.005) ? `${text} ${'long '.repeat(LONG_CHARACTERS / 5)}` : text;
}
