import { Global, Module } from '@nestjs/common';
import { Draining } from '../health/draining.js';
import { LookupLimit, RateLimit } from './rate-limit.js';

/** What the whole HTTP edge shares. */
@Global()
@Module({ providers: [Draining, LookupLimit, RateLimit], exports: [Draining, LookupLimit, RateLimit] })
export class HttpModule {}
