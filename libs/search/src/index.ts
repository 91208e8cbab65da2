export { parseQuery, type SearchQuery } from './domain/query.js';
export type { SnippetPiece } from './domain/snippet.js';
export { SearchMessages, type Hit, type Search, type SearchPlace } from './queries/search-messages.js';
export { SearchRebuildModule } from './search-rebuild.module.js';
export { SearchIndexModule, SearchModule } from './search.module.js';
export { IndexMessages } from './use-cases/index-messages.js';
export { RebuildSearch, type SearchProgress } from './use-cases/rebuild-search.js';
