import { Global, Module } from '@nestjs/common';
import { Draining } from '../health/draining.js';
import { RateLimit } from './rate-limit.js';

/** What the whole HTTP edge shares. */
@Global()
@Module({ providers: [Draining, RateLimit], exports: [Draining, RateLimit] })
export class HttpModule {}
