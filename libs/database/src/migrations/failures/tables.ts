/** Why a reply failed, when it may be asked for again, and what of a provider's calls is charged. All of it is added to what is there: the release before runs on it as well. */
export const TABLES = `
update edgechat.schema_info set release = 5;

-- failure: why the reply failed, or why its last run was put back. \`failure_code\` is the same as far as the release before knows it, which reads no other.
-- calls: of a provider, by the runs since the question was asked, or asked anew. not_before: null, or no run begins earlier.
-- is_input_cut: the model was not shown all of the question. is_history_refused: the provider refused what stands before the question for its content; later histories begin with the question.
alter table edgechat.replies
  add column failure text collate "C",
  add column calls int not null default 0,
  add column not_before timestamptz,
  add column is_input_cut boolean not null default false,
  add column is_history_refused boolean not null default false;

-- Of the calls that failed and are in the row's tokens, the last one's epoch and number: none is added twice.
alter table edgechat.answer_usage
  add column failed_epoch int not null default 0,
  add column failed_call int not null default 0;
`;
