/** Why a reply failed, when it may be asked for again, and what of a provider's calls is charged. All of it is added to what is there: the release before runs on it as well. */
export const TABLES = `
update edgechat.schema_info set release = 5;

-- failure: why the reply failed, null unless it did; a claim clears it, so that it is never of a run before. \`failure_code\` is the same as far as the release before knows it, which reads and writes no other:
-- what a reply failed for is coalesce(failure, failure_code).
-- put_back_for: why a run put the reply back last, since the question was asked, or asked anew; what it fails for when its deadline passes. not_before: null, or no run begins earlier.
-- calls: of a provider, by the runs since the question was asked, or asked anew.
-- is_input_cut: the model was not shown all of the question. is_history_refused: the provider refused what stands before the question for its content; later histories begin with the question.
alter table edgechat.replies
  add column failure text collate "C",
  add column put_back_for text collate "C",
  add column not_before timestamptz,
  add column calls int not null default 0,
  add column is_input_cut boolean not null default false,
  add column is_history_refused boolean not null default false;

-- Calls that are in the row's tokens besides a reply's answer, each as epoch × 16 + number: none is added twice. The last 32; a reply has at most 4 in an epoch.
alter table edgechat.answer_usage
  add column counted_calls bigint[] not null default '{}';
`;
