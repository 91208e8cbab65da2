import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Caller } from '@edgechat/identity';
import { SearchMessages } from '@edgechat/search';
import { Answers, Refuses } from '../docs/describe.js';
import { CurrentCaller } from '../http/access.js';
import { RequestQuery } from '../http/validation.js';
import { SearchParameters, searchOf, writeSearchCursor } from './search.requests.js';
import { HITS_EXAMPLE, hitResponse, HitsResponse } from './search.responses.js';

@ApiTags('search')
@Controller('search')
export class SearchController {
  constructor(private readonly messages: SearchMessages) {}

  @ApiOperation({ summary: "Finds messages of the caller's conversations by their words" })
  @Get()
  @Answers(200, HitsResponse, {
    example: HITS_EXAMPLE,
    description: 'The hits, best first or newest first. A page may have fewer than `limit` though more follow.',
  })
  @Refuses('query_without_words', 'query_too_complex', 'conversation_not_found', 'too_many_searches')
  async search(@CurrentCaller() { accountId }: Caller, @RequestQuery() given: SearchParameters): Promise<HitsResponse> {
    const { hits, next } = await this.messages.listHits(searchOf(given, accountId));
    return { hits: hits.map(hitResponse), next_cursor: next && writeSearchCursor(given, accountId, next) };
  }
}
