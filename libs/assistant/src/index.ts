export { AssistantModule } from './assistant.module.js';
export { FAILURE_CODES, type FailureCode, type ReplyOutcome } from './domain/reply.js';
export { AskCompletion } from './use-cases/ask-completion.js';
export { AwaitReply } from './use-cases/await-reply.js';
