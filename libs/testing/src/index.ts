export { AppProcess } from './app-process.js';
export { Client, type Answer, type Call, type Json } from './client.js';
export { eventually } from './eventually.js';
export { behaviourAskedFor, type Behaviour } from './provider-behaviour.js';
export { providerRefusal, REFUSALS, type ProviderRefusal, type RefusalName } from './provider-refusals.js';
export { startProviderServer, type Judge, type ProviderRequest, type ProviderServer } from './provider-server.js';
export { startFragileStack, startStack, Stack, type StackOptions } from './stack.js';
export {
  ownDatabase,
  ownEngines,
  ownStores,
  sql,
  type OwnDatabase,
  type OwnEngines,
  type OwnStores,
} from './stores.js';
export { REDIS_RULES } from '../../../tools/local-stack/app-users.mjs';
export { inProcess, storeCallsOf } from './in-process.js';
