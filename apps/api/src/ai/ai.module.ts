import { Module } from '@nestjs/common';
import { AssistantModule } from '@edgechat/assistant';
import { AiController } from './ai.controller.js';

@Module({ imports: [AssistantModule], controllers: [AiController] })
export class AiModule {}
