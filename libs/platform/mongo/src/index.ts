export { Mongo } from './mongo.js';
export { MongoModule, databaseOf } from './mongo.module.js';
export { ownWords } from './own-words.js';
