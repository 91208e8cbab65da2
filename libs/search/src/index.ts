export { parseQuery, PHASES, type ParsedQuery, type SearchQuery } from './domain/query.js';
export type { SnippetPiece } from './domain/snippet.js';
export { SearchMessages } from './queries/search-messages.js';
export type { Hit, Search, SearchPosition, TimePosition } from './queries/search.js';
export { SearchRebuildModule } from './search-rebuild.module.js';
export { SearchIndexModule, SearchModule } from './search.module.js';
export { IndexMessages } from './use-cases/index-messages.js';
export { RebuildSearch, type SearchProgress } from './use-cases/rebuild-search.js';
