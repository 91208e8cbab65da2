export { Outbox, type Debt, type Owed, type Payment, type PreparedDebt, type PreparedPayment } from './outbox.js';
export { OutboxModule } from './outbox.module.js';
