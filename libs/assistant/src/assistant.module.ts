import { Module } from '@nestjs/common';
import { DailyUseModule } from '@edgechat/usage';
import { Replies } from './persistence/replies.js';
import { AskCompletion } from './use-cases/ask-completion.js';
import { AwaitAnswer } from './use-cases/await-answer.js';
import { AwaitReply } from './use-cases/await-reply.js';

/** For a process that asks and waits: it holds no code of any provider. */
@Module({
  imports: [DailyUseModule],
  providers: [Replies, AwaitAnswer, AwaitReply, AskCompletion],
  exports: [AwaitReply, AskCompletion],
})
export class AssistantModule {}
