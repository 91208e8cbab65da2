import { Global, Module } from '@nestjs/common';
import { Bell } from './bell.js';
import { JobRunner } from './job-runner.js';

@Global()
@Module({ providers: [Bell, JobRunner], exports: [Bell, JobRunner] })
export class QueueModule {}
