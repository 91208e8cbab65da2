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

  it.each(TAGS.slice(0, 5))('after %s that is never closed is all there is', (opens) => {
    expect(anyones(`${opens}\nfirst, second`)).toBe('');
  });

  it.each(TAGS.slice(5))('needs its end where models rarely write so: %s', (opens, closes) => {
    for (const text of [
      `${opens}: step one, step two.\n\nThen breathe.`,
      `${opens} is a mark, and \`${closes}\` closes it.`,
    ])
      expect(own(text)).toBe(text);
  });

  it.each([
    ['<think>\na\n</think>\n\n</think>\n\nAnswer', 'Answer'],
    ['<think>a</think>\n</think>\n</thinking>\r\n<think>b</think>\n</think>\nAnswer', 'Answer'],
    ['[THINK]a[/THINK]\n[/THINK]\nAnswer', 'Answer'],
    ['<think>a</think>\n\n    </think>\n\nis how it ends', '    </think>\n\nis how it ends'],
    ['<think>a</think>\nSo:\n</think>\nis how it ends', 'So:\n</think>\nis how it ends'],
  ])('takes along a closing mark that is written twice: %j', (text, answer) => {
    expect(anyones(text)).toBe(answer);
  });

  it('ends with the last lone closing mark, from a server of one’s own', () => {
    expect(own('<think>a</think>\nI go on.\n</think>\nAnswer')).toBe('Answer');
    expect(own('first\n</think>\n\n</think>\n\nAnswer')).toBe('Answer');
    expect(own('first\n</think>\n<think>second</think>Answer')).toBe('Answer');
  });

  it.each([
    ['<think>a <think>b</think> c</think>Answer', 'Answer'],
    ['<think>\na\n<thinking>\nb\n</thinking>\nc\n</think>\nAnswer', 'Answer'],
    ['◁think▷a◁think▷b◁/think▷c◁/think▷Answer', 'Answer'],
    ['<think>a <think>b</think></think><think>c</think>Answer', 'Answer'],
    ['<think>They ask about `<think>` and `</think>`.</think>Answer', 'Answer'],
    ['<think>They ask about the `<think>` tag.</think>`</think>` closes it.', '`</think>` closes it.'],
    ['<think>They ask about ``<think> ` `` only.</think>Answer', 'Answer'],
    ['<think>They ask about <think>.\n</think>\nAnswer', 'Answer'],
    ['<think>They ask about <think>, <think> and </think>.\n</think>\nAnswer', 'Answer'],
    ['<think>hm `</think>` Answer', '` Answer'],
    ['<think>\n```\ncode\n</think>\nUse:\n```\n</think>\n```\n', 'Use:\n```\n</think>\n```\n'],
  ])('can be about thought, and within it: %j', (text, answer) => {
    expect(anyones(text)).toBe(answer);
  });

  it.each(TAGS)('alone between %s and %s leaves nothing', (opens, closes) => {
    expect(anyones(`${opens}hm${closes}\n\n`).trim()).toBe('');
  });

  it.each([
    '> ```\n> a quotation ends, and its code with it\n\nhm\n</think>\nAnswer',
    'They ask about `<think>`.\n</think>\nAnswer',
    '```<think>``` is asked about.\n</think>\nAnswer',
    'So:\n```\n<think>\n```\nhm\n</think>\nAnswer',
    'So:\n\n    <think>\n\nhm\n</think>\nAnswer',
    'So:\n<think>\na\n</think>\nhm\n</think>\nAnswer',
    'Mistral’s is [THINK].\n</think>\nAnswer',
    '</think> is asked about.\n</think>\nAnswer',
  ])('ends with the closing mark that no opening one stands before, outside code: %j', (text) => {
    expect(own(text)).toBe('Answer');
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
    '[Think] about the sea.\n\nThen breathe.',
    '[think]a[/think]b',
    'first\n[/think]\nsecond',
    'Models write this:\n<think>\nreasoning\n</think>\nand then the answer.',
    'So <thinking>\nreasoning\n</think>\nand then the answer.',
    'Kimi writes:\n  ◁think▷\nhm\n  ◁/think▷\nand Mistral\n[THINK]\nhm\n[/THINK]\nand that is all.',
    'Nested:\n<think>\n<think>\na\n</think>\nb\n</think>\nand that is all.',
    '- ```xml\n</think>\n  ```\n\nand that is all.',
    '  1. ~~~\n</think>\n     ~~~\n\nand that is all.',
    '- so:\n    ```xml\r\n</think>\r\n    ```\r\n\nand that is all.',
    '```\n- ```\n</think>\n```\nand that is all.',
    'analysis: <|message|> is a token.',
    'assistant<|message|> is what it writes.',
    'analysisResult = analyse(text)',
    'analysisResults: a list',
    'analysis的意思是分析',
    'assistant The answer.',
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
    ['assistant<|channel|>analysis<|message|>hm<|end|>assistant<|channel|>final<|message|>The answer.', 'The answer.'],
    ['analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>The answer.<|return|>', 'The answer.'],
    ['analysis<|message|>hm and never an end', ''],
    ['analysis<|message|>hm<|end|>assistant<|channel|>commentary<|message|>{}', ''],
    ['final<|message|>The answer.<|return|>', 'The answer.'],
    ['<|start|>assistant<|channel|>analysis<|message|>hm', ''],
    ['<|start|>assistant<|message|>The answer.<|end|>', 'The answer.'],
    ['<|channel|>analysis<|message|>hm<|end|><|start|>user<|message|>More?', ''],
    [' \n<|channel|>final<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|end|>', 'ab'],
  ])('is told apart by the channels of harmony: %s', (text, answer) => {
    expect(anyones(text)).toBe(answer);
  });

  it('is told apart where a server of one’s own left only the names of the channels', () => {
    expect(own('analysisWe need four.assistantfinalfour')).toBe('four');
    expect(own('assistantanalysisWe need four.assistantfinalfour')).toBe('four');
    expect(anyones('analysisWe need four.assistantfinalfour')).toBe('analysisWe need four.assistantfinalfour');
    for (const text of ['analysisThe user asks. I will', 'analysisI', 'analysisLet’s see', 'analysisÜber, sagt er'])
      expect([own(text), anyones(text)]).toEqual(['', text]);
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
    const aMegabyte = (piece: string): string => piece.repeat((1_024 * 1_024) / piece.length);
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
      '<think><think></think>',
      '<think></think></think>\n',
      '<think></think>\n</think>\n',
      '<think>`</think>',
      '</think>\n    ',
      '- > ',
      'x</think>``` `',
      '<think></think>[THINK]',
      'analysisA ',
      'assistant<|channel|>final<|message|>',
    ];
    for (const attack of attacks) expect(typeof own(aMegabyte(attack))).toBe('string');
    expect(own(`<think>${aMegabyte('<think>')}</think>ok`)).toBe('ok');
    const runs = Array.from({ length: 2_000 }, (_, i) => '`'.repeat(i + 1)).join(' ');
    expect(own(`x ${runs} </think>\n</think>\nok`)).toBe('ok');
    expect(own(`x${aMegabyte(' </think>')}`)).toHaveLength(1 + aMegabyte(' </think>').length);
  });
});
