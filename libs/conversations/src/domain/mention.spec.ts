import { mentionsAssistant } from './mention.js';

describe('a mention of the assistant', () => {
  it.each(['@assistant', 'hello @Assistant, please', '(@ASSISTANT)', 'well:@assistant.', '你好 @assistant 你好', 'end @assistant!'])('is found in %j', (text) => {
    expect(mentionsAssistant(text)).toBe(true);
  });

  it.each(['assistant', 'me@assistant.example', '@assistants', '@assistant_2', 'x@assistant', '@assistant.example', '@@assistant'])('is not found in %j', (text) => {
    expect(mentionsAssistant(text)).toBe(false);
  });
});
