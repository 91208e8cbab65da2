import { Module } from '@nestjs/common';
import { ConversationsModule } from '@edgechat/conversations';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { DailyUseModule, MeterAnswers } from '@edgechat/usage';
import { Replies } from './persistence/replies.js';
import { LanguageModel } from './ports/language-model.js';
import { createLanguageModel } from './providers/create-language-model.js';
import { reachProvidersBy } from './providers/provider-fetch.js';
import { AnswerPlaces } from './use-cases/answer-places.js';
import { AnswerSignals } from './use-cases/answer-signals.js';
import { CompletePrompt } from './use-cases/complete-prompt.js';
import { EndRuns } from './use-cases/end-runs.js';
import { FailureLog } from './use-cases/failure-log.js';
import { Leases } from './use-cases/leases.js';
import { ProviderAtStart, settingsOf } from './use-cases/provider-at-start.js';
import { ReadHistory } from './use-cases/read-history.js';
import { ReplyToMessage, ReplyTools } from './use-cases/reply-to-message.js';

/** The provider that the configuration names, said in the log: who runs the system must see when it is the demo, or none. */
function chooseModel(config: Config, log: Log): LanguageModel {
  reachProvidersBy(config);
  const model = createLanguageModel(settingsOf(config), {
    onNote: (note) => log.warn('the AI model takes less than it was sent: set AI_CONTEXT_MAX_TOKENS', note),
  });
  log.info('who answers', { provider: model.provider, model: model.model });
  return model;
}

/** For the process that answers: with the provider that the configuration names. */
@Module({
  imports: [ConversationsModule, DailyUseModule],
  providers: [
    { provide: LanguageModel, inject: [Config, Log], useFactory: chooseModel },
    MeterAnswers,
    Replies,
    Leases,
    ReadHistory,
    EndRuns,
    AnswerPlaces,
    AnswerSignals,
    FailureLog,
    ProviderAtStart,
    ReplyTools,
    ReplyToMessage,
    CompletePrompt,
  ],
  exports: [ReplyToMessage, CompletePrompt, Replies, LanguageModel],
})
export class AssistantWorkerModule {}
