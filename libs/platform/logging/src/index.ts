export { Log, currentRequestId, workContext, type WorkContext } from './log.js';
export { LoggingModule } from './logging.module.js';
export { Outage } from './outage.js';
export { reasonOf, Trouble } from './trouble.js';
