import { mentionsAssistant } from './mention.js';

describe('a mention of the assistant', () => {
  it.each([
    '@assistant',
    'hello @Assistant, please',
    '(@ASSISTANT)',
    'well:@assistant.',
    '你好 @assistant 你好',
    'end @assistant!',
    'one\n@assistant\ntwo',
    '\t@assistant\r\n',
    '"@assistant"',
    '*@assistant*',
    '¿@assistant?',
    '<@assistant>',
    '@assistant’s',
    "@assistant's",
    '@assistant...',
    '@assistant.)',
    '@assistant - please',
    '@assistant—please',
    '@assistant/help',
    '😀@assistant😀',
    'me@assistant.example and @assistant',
    '@assistants or @assistant',
    '.\u00a0@assistant',
    'to:@assistant',
  ])('is found in %j', (text) => {
    expect(mentionsAssistant(text)).toBe(true);
  });

  it.each([
    '请问@assistant今天',
    '、@assistant。',
    'お願い@assistantさん',
    'ユーザー@assistantへ',
    'ถาม@assistantหน่อย',
    'ສະບາຍດີ@assistant',
    '@assistant에게 물어봐',
  ])('is found in %j, whose script parts words by no blank', (text) => {
    expect(mentionsAssistant(text)).toBe(true);
  });

  it.each([
    '',
    'assistant',
    '@ assistant',
    '@assistan',
    '@assist\u200bant',
    'me@assistant.example',
    '@assistants',
    '@assistant_2',
    '@assistant2',
    'x@assistant',
    '1@assistant',
    '_@assistant',
    '@assistant.example',
    '@@assistant',
    '@assistant@host.example',
    'me.@assistant',
    'me+@assistant',
    'me-@assistant',
    '@assistant-bot',
    '@assistanté',
    '@assistant\u0301',
    'é@assistant',
    'e\u0301@assistant',
    '@ассистент',
    'https://example.com/@assistant',
    '用户@assistant.example',
    '@assistant.示例',
    '한국@assistant',
    'x'.repeat(32_000),
  ])('is not found in %j', (text) => {
    expect(mentionsAssistant(text)).toBe(false);
  });
});
