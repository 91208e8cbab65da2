import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { Caller } from '@edgechat/identity';
import { RequestCounts } from '@edgechat/usage';
import { Answers } from '../docs/describe.js';
import { CurrentCaller } from '../http/access.js';

export class UsageResponse {
  @ApiProperty({ type: 'integer', example: 1204 }) readonly total_requests!: number;
  @ApiProperty({ type: 'integer', example: 31, description: 'Exact to one minute.' })
  readonly requests_last_24h!: number;
  @ApiProperty({ type: 'integer', example: 410, description: 'Exact to one minute.' })
  readonly requests_last_7d!: number;
}

const EXAMPLE = { total_requests: 1204, requests_last_24h: 31, requests_last_7d: 410 };

/** What the caller has used. */
@ApiTags('usage')
@Controller('usage')
export class UsageController {
  constructor(private readonly counts: RequestCounts) {}

  /** Counts the caller's requests with a valid access token, whatever was answered; at most 1 s late. */
  @ApiOperation({ summary: 'How many requests the caller has made' })
  @Get('me')
  @Answers(200, UsageResponse, { example: EXAMPLE, description: "The caller's requests." })
  async mine(@CurrentCaller() caller: Caller): Promise<UsageResponse> {
    const usage = await this.counts.getRequestUsage(caller.accountId);
    return { total_requests: usage.total, requests_last_24h: usage.last24h, requests_last_7d: usage.last7d };
  }
}
