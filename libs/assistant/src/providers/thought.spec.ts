import fc from 'fast-check';
import { withoutThought } from './thought.js';

const own = (text: string): string => withoutThought(text, { stripsLone: true });
const anyones = (text: string): string => withoutThought(text, { stripsLone: false });

const TAGS = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['<THINK>', '</Think>'],
  ['<think>', '</thinking>'],
  ['◁think▷', '◁/think▷'],
  ['[THINK]', '[/THINK]'],
  ['<seed:think>', '</seed:think>'],
  ['<|begin_of_thought|>', '<|end_of_thought|>'],
  ['<|START_THINKING|>', '<|END_THINKING|>'],
  ['<|channel>thought', '<channel|>'],
] as const;

describe('thought', () => {
  it.each(TAGS)('between %s and %s is no part of the answer', (opens, closes) => {
    expect(anyones(`${opens}\nfirst, second\n${closes}\n\nThe answer.\n`)).toBe('The answer.\n');
    expect(anyones(`\n \u200b${opens}hm${closes} The answer.`)).toBe('The answer.');
    expect(anyones(`${opens}${closes}\n\nThe answer.`)).toBe('The answer.');
    expect(anyones(`${opens}a${closes}\n${opens}b${closes}The answer.`)).toBe('The answer.');
  });

  it.each(TAGS)('after %s that is never closed is all there is', (opens) => {
    expect(anyones(`${opens}\nfirst, second`)).toBe('');
  });

  it.each(TAGS)('alone between %s and %s leaves nothing', (opens, closes) => {
    expect(anyones(`${opens}hm${closes}\n\n`).trim()).toBe('');
  });

  it('keeps the indentation of the answer', () => {
    expect(anyones('<think>x</think>\n\n    code\nmore')).toBe('    code\nmore');
  });

  it.each(TAGS.slice(0, 6))(
    'ends with a closing mark alone on its line, from a server of one’s own: %s',
    (_, closes) => {
      expect(own(`first, second\n${closes}\n\nThe answer.`)).toBe('The answer.');
      expect(own(`first\r\n  ${closes} \r\nThe answer.`)).toBe('The answer.');
      expect(own(`${closes}\nThe answer.`)).toBe('The answer.');
      expect(own(`first\n${closes}`)).toBe('');
      expect(anyones(`first\n${closes}\nThe answer.`)).toBe(`first\n${closes}\nThe answer.`);
    },
  );

  it.each([
    'The `<think>` tag opens, and `</think>` closes.',
    'It looks so: <think>hm</think> and then the answer.',
    'Use\n\n```xml\n<think>\nhm\n</think>\n```\n\nand that is all.',
    'Use\n~~~\n</think>\n```\n</think>\n~~~\nand that is all.',
    'Use\n````\n```\n</think>\n```\n````\nand that is all.',
    'Indented:\n\n    </think>\n\nand that is all.',
    'Ends with </think>\nin a line',
    '`<think>` is a tag.',
    '"<think>hm</think>" is what it wrote.',
    '<thinker>not that</thinker> one',
    '<|channel|> is a token of harmony, and <|message|> another.',
    'analysis: assistantfinal is what some servers leave.',
    'Analysis shows',
    'analysis\nassistantfinal',
    '',
    '   ',
  ])('is not what an answer says about its marks: %j', (text) => {
    expect(own(text)).toBe(text);
  });

  it.each([
    [
      '<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>The answer.<|return|>',
      'The answer.',
    ],
    ['<|start|>assistant<|channel|>final<|message|>The answer.', 'The answer.'],
    ['<|channel|>Final <|constrain|>json<|message|>{}<|end|>', '{}'],
    [
      '<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.x<|message|>{}<|call|>',
      '',
    ],
    ['<|channel|>analysis<|message|>hm and never an end', ''],
    ['<|channel|>analysis<|message|>hm<|end|>The answer.', 'The answer.'],
    [
      '<|channel|>final<|message|>`<|end|>` ends it, `<|start|>` and `<|channel|>` begin it.<|return|>',
      '`<|end|>` ends it, `<|start|>` and `<|channel|>` begin it.',
    ],
    ['<|channel|>analysis<|message|>a<|channel|>final<|message|>The answer.', 'The answer.'],
    [' \n<|channel|>final<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|end|>', 'ab'],
  ])('is told apart by the channels of harmony: %s', (text, answer) => {
    expect(anyones(text)).toBe(answer);
  });

  it('is told apart where a server of one’s own left only the names of the channels', () => {
    expect(own('analysisWe need four.assistantfinalfour')).toBe('four');
    expect(anyones('analysisWe need four.assistantfinalfour')).toBe('analysisWe need four.assistantfinalfour');
  });

  it('never adds anything, and leaves alone what has no mark', () => {
    const pieces = [
      ...TAGS.flat(),
      '\n',
      'a',
      ' ',
      '```\n',
      '<|channel|>',
      '<|message|>',
      '<|end|>',
      'final',
      'analysis',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces)), fc.boolean(), (parts, stripsLone) => {
        const text = parts.join('');
        const answer = withoutThought(text, { stripsLone });
        expect(answer.length <= text.length).toBe(true);
      }),
      { verbose: true },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!/[<[◁]|^\s*analysis/.test(text));
        expect(own(text)).toBe(text);
      }),
    );
  });

  it('is found in linear time', () => {
    const megabytes = (piece: string): string => piece.repeat((4 * 1_024 * 1_024) / piece.length);
    const attacks = [
      '<think>',
      '</think>',
      '<think></think>',
      '◁think▷',
      '</think>\n',
      '```\n',
      ' ',
      '\n',
      '\u200b',
      '<|channel|>a<|message|>',
      '<|end|>',
      '<',
      'x</think>\n```\n',
    ];
    for (const attack of attacks) expect(typeof own(megabytes(attack))).toBe('string');
    expect(own(`<think>${megabytes('<think>')}</think>ok`)).toBe('ok');
    expect(own(`x${megabytes(' </think>')}`)).toHaveLength(1 + megabytes(' </think>').length);
  });
});
