import { relative } from 'node:path';
import { writeCounts } from './counts.mjs';

/** What jest says of each file that failed, under the file's name. */
function failuresOf(results) {
  const failed = results.testResults.filter((file) => file.failureMessage);
  return failed.map((file) => `${relative(process.cwd(), file.testFilePath)}\n${file.failureMessage}`);
}

/** Jest's reporter of counts: a file that could not run at all counts as one failure, a skipped test as nothing. */
export default class CountsReporter {
  onRunComplete(_contexts, results) {
    writeCounts(
      results.numPassedTests,
      results.numFailedTests + results.numRuntimeErrorTestSuites,
      failuresOf(results),
    );
  }
}
