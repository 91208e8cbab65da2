import { Module } from '@nestjs/common';
import { SearchModule } from '@edgechat/search';
import { SearchController } from './search.controller.js';

/** The search call. */
@Module({ imports: [SearchModule], controllers: [SearchController] })
export class SearchApiModule {}
