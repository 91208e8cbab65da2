import { Module } from '@nestjs/common';
import { AssistantModule } from '@edgechat/assistant';
import { ConversationsModule } from '@edgechat/conversations';
import { ConversationsController } from './conversations.controller.js';
import { MembersController } from './members.controller.js';
import { MessagesController } from './messages.controller.js';
import { SendAndWait } from './send-and-wait.js';

@Module({
  imports: [ConversationsModule, AssistantModule],
  controllers: [ConversationsController, MembersController, MessagesController],
  providers: [SendAndWait],
})
export class ChatModule {}
