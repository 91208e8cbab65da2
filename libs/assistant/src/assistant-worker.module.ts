import { Module } from '@nestjs/common';
import { ConversationsModule } from '@edgechat/conversations';
import { Config } from '@edgechat/platform/config';
import { MeterAnswers } from '@edgechat/usage';
import { Replies } from './persistence/replies.js';
import { LanguageModel } from './ports/language-model.js';
import { createLanguageModel } from './providers/create-language-model.js';
import { AnswerSignals } from './use-cases/answer-signals.js';
import { CompletePrompt } from './use-cases/complete-prompt.js';
import { Leases } from './use-cases/leases.js';
import { ReplyToMessage, ReplyTools } from './use-cases/reply-to-message.js';

/** For the process that answers: with the provider that the configuration names. */
@Module({
  imports: [ConversationsModule],
  providers: [
    { provide: LanguageModel, inject: [Config], useFactory: (config: Config) => createLanguageModel(config) },
    MeterAnswers,
    Replies,
    Leases,
    AnswerSignals,
    ReplyTools,
    ReplyToMessage,
    CompletePrompt,
  ],
  exports: [ReplyToMessage, CompletePrompt, Replies, LanguageModel],
})
export class AssistantWorkerModule {}
