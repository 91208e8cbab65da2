export { AssistantWorkerModule } from './assistant-worker.module.js';
export { LanguageModel } from './ports/language-model.js';
export { Replies } from './persistence/replies.js';
export { CompletePrompt } from './use-cases/complete-prompt.js';
export { ReplyToMessage } from './use-cases/reply-to-message.js';
export { answerJobsAtOnce } from './use-cases/answer-places.js';
