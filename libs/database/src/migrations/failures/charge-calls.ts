/**
 * Adds calls of a provider that gave no answer, or a completion's answer, to the usage row of their reply or completion, which is made if it is not there: each once, however often it is told, and in whatever order,
 * since two runs of one reply may both be billed. A completion's row without calls is of the release before, which writes one for an answer only: that answer is the one that is charged. \`billed\`, or null for nothing: {id, account_id, conversation_id, kind, provider, model, calls: [{epoch, call, tokens_in, tokens_out}]}.
 */
export const CHARGE_CALLS = `
create function edgechat.charge_calls(billed json) returns void language plpgsql as $$
begin
  if billed is null then
    return;
  end if;
  insert into edgechat.answer_usage (id, account_id, conversation_id, kind, provider, model, tokens_in, tokens_out)
    select b.id, b.account_id, b.conversation_id, b.kind, b.provider, b.model, 0, 0
    from json_to_record(billed) as b(id uuid, account_id bigint, conversation_id uuid, kind text, provider text, model text)
    on conflict (id) do nothing;
  -- (Who waits here for another that writes the row looks at what that one wrote.)
  update edgechat.answer_usage t set (tokens_in, tokens_out, counted_calls) = (
      select edgechat.sum_of_tokens(t.tokens_in, sum(c.tokens_in)), edgechat.sum_of_tokens(t.tokens_out, sum(c.tokens_out)), edgechat.last_calls(h.calls || array_agg(edgechat.call_number(c.epoch, c.call)) filter (where c.call is not null))
      from (select case when t.kind = 'completion' and t.counted_calls = '{}' and (t.tokens_in > 0 or t.tokens_out > 0) then array[edgechat.call_number(0, 0)] else t.counted_calls end as calls) h
        left join lateral (
          select * from json_to_recordset(billed -> 'calls') as b(epoch int, call int, tokens_in int, tokens_out int) where edgechat.call_number(b.epoch, b.call) <> all (h.calls)
        ) c on true
      group by h.calls)
    where t.id = (billed ->> 'id')::uuid;
end $$;
`;

/** What the charging of calls is made of: also of those that an answer brings along (see \`send_messages\`). */
export const CALLS = `
create function edgechat.call_number(epoch int, call int) returns bigint language sql immutable as $$ select epoch::bigint * 16 + call $$;

create function edgechat.last_calls(calls bigint[]) returns bigint[] language sql immutable as $$ select coalesce(calls[greatest(cardinality(calls) - 31, 1):], '{}') $$;

-- (The largest there is stands for all beyond it.)
create function edgechat.sum_of_tokens(before int, added bigint) returns int language sql immutable as $$ select least(before + coalesce(added, 0), 2147483647)::int $$;
`;

/** What a reply failed for, as far as the release before knows it, which throws at every other code. \`knows_budgets\` as in the reply's row. */
export const FAILURE_CODE_BEFORE = `
create function edgechat.failure_code_before(failure text, knows_budgets boolean) returns text language sql immutable as $$
  select case
    when failure in ('ai_not_configured', 'ai_quota_exceeded') then failure
    when failure = 'budget_exhausted' then case when knows_budgets then failure else 'ai_quota_exceeded' end
    else 'ai_failed' end
$$;
`;
