export { SearchModule } from './search.module.js';
export { IndexMessages } from './use-cases/index-messages.js';
