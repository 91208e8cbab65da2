import { Module } from '@nestjs/common';
import { MeteringModule } from '@edgechat/usage';
import { UsageController } from './usage.controller.js';

/** The call about one's own usage; re-exports what counts the requests. */
@Module({ imports: [MeteringModule], controllers: [UsageController], exports: [MeteringModule] })
export class UsageModule {}
