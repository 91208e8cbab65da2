import { Module } from '@nestjs/common';
import { RequestCounts } from './request-counts.js';
import { RequestMeter } from './request-meter.js';

/** Counts requests and answers how many there were. Needs the process's Log and Postgres. */
@Module({ providers: [RequestCounts, RequestMeter], exports: [RequestCounts, RequestMeter] })
export class MeteringModule {}
