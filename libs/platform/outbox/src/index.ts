export { Outbox, type Debt, type Payment } from './outbox.js';
export { OutboxModule } from './outbox.module.js';
