export { makeAppUser, tryAppLogin, type AppUserMade } from './app-user.js';
export { DEADLINE_MS, Mongo, SLOW_DEADLINE_MS } from './mongo.js';
export { MongoModule, databaseOf } from './mongo.module.js';
export { hintAbout, ownWords } from './own-words.js';
