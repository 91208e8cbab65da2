import { writeCounts } from './counts.mjs';

/** Jest's reporter of counts: a file that could not run at all counts as one failure, a skipped test as nothing. */
export default class CountsReporter {
  onRunComplete(_contexts, results) {
    writeCounts(results.numPassedTests, results.numFailedTests + results.numRuntimeErrorTestSuites);
  }
}
