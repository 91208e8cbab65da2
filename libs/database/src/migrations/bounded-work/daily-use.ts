/** How many of `token_limit` tokens an account may use on a day: in its first hour a tenth, so that who makes accounts does not get the whole with each of them. */
export const TOKENS_ALLOWED = `
create function edgechat.tokens_allowed(token_limit bigint, registered_at timestamptz, at timestamptz) returns bigint language sql stable as $$
  select case when registered_at > at - interval '1 hour' then token_limit / 10 else token_limit end;
$$;
`;

/** (Not in SQL: written out in each statement that names it, it would be set up with each send, though hardly one is refused.) In how many seconds, 1 or more, an account that used up its tokens may ask again: when the day (UTC) is over, or earlier its first hour if only a tenth was used up. */
export const TOKENS_BACK_IN_S = `
create function edgechat.tokens_back_in_s(token_limit bigint, tokens bigint, registered_at timestamptz, of_day date, at timestamptz) returns int language plpgsql stable as $$
begin
  return greatest(1, ceil(extract(epoch from least((of_day + 1)::timestamp at time zone 'UTC', case when tokens < token_limit then registered_at + interval '1 hour' end) - at)))::int;
end $$;
`;

/** What an account used on a day (UTC), and when it may ask again if that and `pending_tokens` are all of its tokens, else null. No row when there is no such account. */
export const FIND_DAILY_USE = `
create function edgechat.find_daily_use(account bigint, of_day date, pending_tokens bigint, token_limit bigint) returns table (text_bytes bigint, tokens bigint, retry_after_s int) language sql stable as $$
  select used.text_bytes, used.tokens, case when used.tokens + pending_tokens >= edgechat.tokens_allowed(token_limit, a.created_at, clock_timestamp())
    then edgechat.tokens_back_in_s(token_limit, used.tokens + pending_tokens, a.created_at, of_day, clock_timestamp()) end
  from edgechat.accounts a
    left join lateral (select * from edgechat.daily_use t where t.account_id = a.id and t.day = of_day) found on true
    cross join lateral (select coalesce(found.text_bytes, 0) as text_bytes, coalesce(found.tokens, 0) as tokens) used
  where a.id = account;
$$;
`;
