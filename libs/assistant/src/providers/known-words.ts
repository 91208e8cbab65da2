import { STATUS_OF_WORD } from './complaint.js';
import { finishReasonOf } from './reading.js';
import { isWordOfTable } from './refusal-table.js';

/** Words of providers that decide nothing and tell an operator something all the same. */
const OTHERS = new Set(
  (
    'other error badrequesterror bad_request invalid_request invalid_parameter_error invalid_value unsupported_value ' +
    'unsupported_parameter validation_error value_error aborted cancelled unknown unimplemented internalservererror ' +
    'internal_error internal_server_error tool_calls tool_use function_call malformed_function_call unexpected_tool_call ' +
    'finish_reason_unspecified blocked_reason_unspecified invalid_prompt'
  ).split(' '),
);

/** Whether a word that a provider sent may be logged: only what is known beforehand. Any other may be a key, or somebody's name. */
export function isLoggable(word: string): boolean {
  if (!/^[A-Za-z_]{1,40}$/.test(word)) return false;
  return (
    isWordOfTable(word) ||
    Object.hasOwn(STATUS_OF_WORD, word) ||
    OTHERS.has(word.toLowerCase()) ||
    finishReasonOf(word) !== 'other'
  );
}
