import { AnswerFailed, LanguageModel } from '../ports/language-model.js';

/** Stands where a provider would: without one everything works but answers. */
export class NotConfigured extends LanguageModel {
  override readonly provider = 'none';
  override readonly model = 'none';

  override complete(): Promise<never> {
    return Promise.reject(new AnswerFailed('ai_not_configured'));
  }
}
