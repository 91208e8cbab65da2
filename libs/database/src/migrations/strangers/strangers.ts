/**
 * Those of these pairs whose \`person\` has not sent a message in a conversation that both are in: to \`other\`, \`person\` is a stranger.
 * Of each person's conversations the newest are looked through, as many as make \`steps\` together (and 10,000 at most): who has sent only in older ones is taken for a stranger.
 */
export const NEVER_SENT_WITH = `
create function edgechat.never_sent_with(people bigint[], others bigint[], steps int) returns table (person bigint, other bigint) language sql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  select p.person, p.other from unnest(people, others) p(person, other)
  where not exists (
    select from (
        select m.conversation_id from edgechat.members m where m.account_id = p.person and m.has_sent order by m.conversation_id desc
        limit least(10000, greatest(1, steps / greatest(1, cardinality(people))))
      ) sent
      cross join lateral (select from edgechat.inbox i where i.account_id = p.other and i.conversation_id = sent.conversation_id limit 1) shared);
$$;
`;

/** How many of \`per_day\` strangers an account may meet on a day: in its first hour at most 50, then in its first week a tenth. (Below 500 a day the hour allows more than the rest of the week: who is new invites whom they know.) */
export const STRANGERS_ALLOWED = `
create function edgechat.strangers_allowed(per_day bigint, registered_at timestamptz, at timestamptz) returns bigint language sql stable as $$
  select case when registered_at > at - interval '1 hour' then least(per_day, 50) when registered_at > at - interval '7 days' then (per_day + 9) / 10 else per_day end;
$$;
`;

/** In how many seconds, 1 or more, an account may meet strangers again: when the day (UTC) is over, or earlier when it is old enough for more of them. */
export const STRANGERS_BACK_IN_S = `
create function edgechat.strangers_back_in_s(per_day bigint, registered_at timestamptz, of_day date, at timestamptz) returns int language sql stable as $$
  select greatest(1, ceil(extract(epoch from least((of_day + 1)::timestamp at time zone 'UTC', (
    select min(older.at) from unnest(array[registered_at + interval '1 hour', registered_at + interval '7 days']) older(at)
    where older.at > $4 and edgechat.strangers_allowed(per_day, registered_at, older.at) > edgechat.strangers_allowed(per_day, registered_at, $4))) - $4)))::int;
$$;
`;

/**
 * Counts the strangers among \`others\`, accounts that \`caller\` is about to take in or to write to, each once. Null: they may be met, and are counted with this transaction.
 * Else nothing is counted, and in so many seconds the caller may try again. \`per_day\`: strangers that an account may meet in a day (UTC), null where that is not limited.
 *
 * What holds: two calls of one account at once do not meet more than it may together. It is to be the last lock that a transaction takes of those that others may wait for.
 */
export const MEET_STRANGERS = `
create function edgechat.meet_strangers(caller bigint, others bigint[], per_day bigint) returns int language plpgsql as $$
declare
  stamp timestamptz := clock_timestamp();
  today date := (stamp at time zone 'UTC')::date;
  met int;
  registered_at timestamptz;
  allowed bigint;
begin
  if per_day is null or cardinality(others) = 0 then
    return null;
  end if;
  select count(*) into met from edgechat.never_sent_with(others, array_fill(caller, array[cardinality(others)]), 100000);
  if met = 0 then
    return null;
  end if;

  select a.created_at into registered_at from edgechat.accounts a where a.id = caller;
  allowed := edgechat.strangers_allowed(per_day, registered_at, stamp);
  if met <= allowed then
    insert into edgechat.daily_use as t (account_id, day, strangers) values (caller, today, met)
      on conflict (account_id, day) do update set strangers = t.strangers + excluded.strangers where t.strangers + excluded.strangers <= allowed;
    if found then
      -- Days that nobody asks for any more go in passing, as where texts are counted.
      delete from edgechat.daily_use o where o.ctid = any (array(select t.ctid from edgechat.daily_use t where t.account_id = caller and t.day < today - 7 for update skip locked));
      return null;
    end if;
  end if;
  return edgechat.strangers_back_in_s(per_day, registered_at, today, stamp);
end $$;
`;

/**
 * True when one of these accounts has as many large conversations as it may: \`large_max\`, or \`of_strangers_max\` whose \`added_by\` is one with whom the account never sent, where the further one is such a one too.
 * That is \`in_conversation\`, or null where it is made just now; who is not in it yet is taken in by \`adder\`. Locks the accounts, so that the answer stays true until the transaction's end.
 *
 * Accounts with fewer than \`of_strangers_max\` large conversations, nearly all, cost what the count of these costs. Of the others, at most 20 are looked at to see whom they got to know
 * since they were taken in; if there are more, the answer is true.
 */
export const TOO_MANY_LARGE = `
create function edgechat.too_many_large(of_accounts bigint[], in_conversation uuid, adder bigint, large_max int, of_strangers_max int) returns boolean language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  most int;
  crowded bigint[];
  people bigint[];
  adders bigint[];
  each_once bigint[];
  one bigint;
  judged int := 0;
begin
  perform from edgechat.accounts a where a.id = any (of_accounts) order by a.id for no key update;

  select max(n.large), array_agg(a.id) filter (where n.large >= of_strangers_max) into most, crowded
  from unnest(of_accounts) a(id)
    cross join lateral (select count(*) as large from (select from edgechat.inbox i where i.account_id = a.id and i.ordered_at = '-infinity' limit large_max) l) n;
  if most >= large_max or crowded is null then
    return coalesce(most >= large_max, false);
  end if;

  -- To whom this one is a stranger's as well.
  select array_agg(c.id), array_agg(c.added_by) into people, adders
  from (
    select a.id, case when m.account_id is null then adder when not m.has_sent then m.added_by end as added_by
    from unnest(crowded) a(id) left join lateral (select * from edgechat.members t where t.conversation_id = in_conversation and t.account_id = a.id limit 1) m on true
  ) c
  where c.added_by <> c.id;
  for one in select n.person from edgechat.never_sent_with(people, adders, 100000) n loop
    adders := array(
      select m.added_by from edgechat.inbox i
        cross join lateral (select t.added_by from edgechat.members t where t.conversation_id = i.conversation_id and t.account_id = i.account_id and not t.has_sent limit 1) m
      where i.account_id = one and i.ordered_at = '-infinity' and m.added_by <> one);
    continue when cardinality(adders) < of_strangers_max;
    judged := judged + 1;
    each_once := array(select distinct x from unnest(adders) x);
    if judged > 20 or of_strangers_max <= (
      select count(*) from unnest(adders) x
      where x = any (array(select n.other from edgechat.never_sent_with(array_fill(one, array[cardinality(each_once)]), each_once, 10000) n)))
    then
      return true;
    end if;
  end loop;
  return false;
end $$;
`;
