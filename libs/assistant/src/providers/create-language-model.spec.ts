import { AnswerFailed } from '../ports/language-model.js';
import { createLanguageModel } from './create-language-model.js';
import { deadlineIn } from './test-requests.js';
import type { AiSettings } from './create-language-model.js';

const NOTHING: AiSettings = {
  aiProvider: undefined,
  geminiModel: 'gemini-model',
  geminiBaseUrl: 'http://127.0.0.1:9/v1beta',
  openaiModel: 'openai-model',
  anthropicModel: 'anthropic-model',
  anthropicBaseUrl: 'http://127.0.0.1:9/v1',
};
const KEYS = { geminiApiKey: 'g', openaiApiKey: 'o', anthropicApiKey: 'a' };

const chosen = (settings: Partial<AiSettings>): string => {
  const { provider, model } = createLanguageModel({ ...NOTHING, ...settings });
  return `${provider} ${model}`;
};

describe('the provider', () => {
  it.each([
    [{ ...KEYS }, 'gemini gemini-model'],
    [{ ...KEYS, geminiApiKey: undefined }, 'openai openai-model'],
    [{ ...KEYS, geminiApiKey: '' }, 'openai openai-model'],
    [{ openaiBaseUrl: 'http://127.0.0.1:11434/v1', anthropicApiKey: 'a' }, 'openai openai-model'],
    [{ anthropicApiKey: 'a' }, 'anthropic anthropic-model'],
    [{}, 'none none'],
    [{ aiDemoFallback: true }, 'demo demo'],
    [{ aiDemoFallback: true, anthropicApiKey: 'a' }, 'anthropic anthropic-model'],
  ])('is the first that has its key when none is named: %j', (settings, expected) => {
    expect(chosen(settings)).toBe(expected);
  });

  it.each([
    [{ ...KEYS, aiProvider: 'anthropic' as const }, 'anthropic anthropic-model'],
    [{ ...KEYS, aiProvider: 'openai' as const }, 'openai openai-model'],
    [{ ...KEYS, aiProvider: 'demo' as const }, 'demo demo'],
    [{ aiProvider: 'openai' as const, openaiBaseUrl: 'http://127.0.0.1:11434/v1' }, 'openai openai-model'],
  ])('is the one that is named: %j', (settings, expected) => {
    expect(chosen(settings)).toBe(expected);
  });

  it.each(['gemini', 'openai', 'anthropic'] as const)(
    'is none when %s is named and has no key, though others have',
    (aiProvider) => {
      const others = { ...KEYS, [`${aiProvider}ApiKey`]: undefined };
      expect(chosen({ ...others, aiProvider })).toBe('none none');
    },
  );

  it('says that it is not configured when there is none', async () => {
    const answer = createLanguageModel(NOTHING).complete({
      messages: [{ role: 'user', content: 'hello' }],
      ...deadlineIn(1_000),
    });
    await expect(answer).rejects.toBeInstanceOf(AnswerFailed);
    await expect(answer).rejects.toMatchObject({
      code: 'ai_not_configured',
      retryAfterS: null,
      message: 'AI service not configured',
    });
  });
});
