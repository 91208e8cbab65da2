import { spawnSync } from 'node:child_process';
import { writeCounts } from './counts.mjs';

// Runs the command that follows, and counts it as one check: so lint and type check stand in the sum of `npm test`.
const [command, ...args] = process.argv.slice(2);
const { status } = spawnSync(command, args, { stdio: 'inherit' });
const isPassed = status === 0;
writeCounts(isPassed ? 1 : 0, isPassed ? 0 : 1, isPassed ? [] : [[command, ...args].join(' ')]);
process.exitCode = isPassed ? 0 : 1;
