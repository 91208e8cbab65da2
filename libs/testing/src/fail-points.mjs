// Loaded into a process by `node --import`, by tests only. Kills it at a named point of the path of a message, and counts what it asks of the stores.
//   KILL_AT=<point>      SIGKILL when the point is reached
//   KILL_AFTER=<n>       … for the nth time (default 1)
import { channel } from 'node:diagnostics_channel';

const point = process.env.KILL_AT;
let left = Number(process.env.KILL_AFTER ?? 1);
channel('edgechat:point').subscribe((reached) => {
  if (reached !== point) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
});

const calls = {};
channel('edgechat:store-call').subscribe(({ store, operation }) => {
  const name = `${store} ${operation}`;
  calls[name] = (calls[name] ?? 0) + 1;
});
process.on('message', (message) => {
  if (message === 'store-calls') process.send?.({ storeCalls: calls });
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL')); // whoever ran the test is gone
process.channel?.unref();
