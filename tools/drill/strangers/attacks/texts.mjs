const LONGEST = 32_000;
const marks = `क${'\u0951'.repeat(15_990)}${'\u093c'.repeat(15_990)}`;
const square = '㌖'.repeat(LONGEST);
const ligature = '\ufdfa'.repeat(LONGEST);
const oneWord = 'a'.repeat(LONGEST);
const joined = `क${'\u0951\u200d'.repeat(15_990)}`;
/** Letters that stand alone: Yi, Hangul, Han. */
const shortWords = Array.from({ length: 16_000 }, (_, n) =>
  String.fromCodePoint(n < 1_165 ? 0xa000 + n : n < 12_000 ? 0xac00 + n - 1_165 : 0x4e00 + n - 12_000),
).join(' ');

/** 8,000 different words of three letters. */
function latinWords(n) {
  const word = (i) => (((i * 7 + n * 8_000) % 46_656) + 46_656).toString(36).slice(-3);
  return Array.from({ length: 8_000 }, (_, i) => word(i))
    .join(' ')
    .slice(0, LONGEST);
}

const randomHan = () =>
  Array.from({ length: LONGEST }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000))).join('');

/** The texts that cost most to fold, to divide into words and to keep. */
const TEXTS = [
  () => marks,
  () => square,
  () => ligature,
  randomHan,
  () => shortWords,
  latinWords,
  () => oneWord,
  () => joined,
];

/** The longest messages of the worst texts, a few in one instant. */
export function texts({ attackers, call }) {
  const BURST = 5;
  return {
    name: 'sends of hostile texts',
    perSecond: 15,
    burst: BURST,
    underWayMax: 100,
    act(n) {
      const account = attackers.texts[Math.floor(n / BURST) % attackers.texts.length];
      const content = TEXTS[n % TEXTS.length](n);
      return call(account, 'POST', `/chat/conversations/${account.shared}/messages`, { body: { content } });
    },
  };
}
