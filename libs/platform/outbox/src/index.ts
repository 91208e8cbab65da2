export { Outbox, type Debt, type Owed, type Payment } from './outbox.js';
export { OutboxModule } from './outbox.module.js';
