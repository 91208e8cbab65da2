import { Module } from '@nestjs/common';
import { IdentityModule } from '@edgechat/identity';
import { AccountsController } from './accounts.controller.js';
import { AuthController } from './auth.controller.js';
import { MeController } from './me.controller.js';
import { SessionsController } from './sessions.controller.js';

/** The calls about accounts and sessions; re-exports who knows the caller of every other call. */
@Module({
  imports: [IdentityModule],
  controllers: [AccountsController, AuthController, MeController, SessionsController],
  exports: [IdentityModule],
})
export class AuthModule {}
