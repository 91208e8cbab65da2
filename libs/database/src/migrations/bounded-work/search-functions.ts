/**
 * As \`edgechat.find_messages\` of the release before, which goes on calling its own; with \`first\`, the text of a tsquery or null: messages for which it holds score 0.5 to 1, the others below.
 */
export const FIND_MESSAGES = `
create function edgechat.find_in_blocks(
  so_far edgechat.found_message[], ids uuid[], blocks int[], only_author bigint, only_role text, probe text, whole text, ranking text, first text,
  least_place edgechat.found_message, below edgechat.found_message, wanted int
) returns edgechat.found_message[] language plpgsql stable
-- By the index of the words and by no other, whatever the size of the table when the plan was made. (A row compared by a function is no reason for another index.)
set enable_seqscan = off set enable_indexscan = off set enable_indexonlyscan = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select (a.at, a.conversation_id, a.seq, a.score)::edgechat.found_message
    from (
      select f.at, f.conversation_id, f.seq, f.score from unnest(so_far) f
      union all
      select w.created_at, w.conversation_id, w.seq, case when first is null then w.density / (1 + w.density) else w.density / (1 + w.density) / 2 + w.is_first::int * 0.5 end
      from unnest(ids, blocks) b(id, n)
        cross join lateral (select right(b.id::text, 8) || to_hex(b.n) || '.' as prefix offset 0) p
        cross join lateral (
          select t.created_at, t.conversation_id, t.seq, ts_rank_cd('{1,1,1,1}', t.words, replace(ranking, '#', p.prefix)::tsquery)::double precision * (1 + 0.00006 / (1 + length(t.words))) as density,
            first is not null and ts_match_vq(t.words, replace(first, '#', p.prefix)::tsquery) as is_first
          from (
            select x.* from edgechat.search_words x
            where x.words @@ replace(probe, '#', p.prefix)::tsquery
              and uuid_eq(x.conversation_id, b.id)
              and (only_author is null or x.author = only_author)
              and (only_role is null or (x.author = 0) = (only_role = 'model'))
              and (x.created_at, x.conversation_id, x.seq) >= ((least_place).at, (least_place).conversation_id, (least_place).seq)
              and (x.created_at, x.conversation_id, x.seq) < ((below).at, (below).conversation_id, (below).seq)
              and (whole is null or ts_match_vq(x.words, replace(whole, '#', p.prefix)::tsquery))
            order by x.created_at desc, x.seq desc limit wanted
          ) t
        ) w
    ) a
    order by a.at desc, a.conversation_id desc, a.seq desc limit wanted);
end $$;

create function edgechat.find_messages(
  reader bigint, only_conversation uuid, only_author bigint, only_role text, probe text, whole text, ranking text, first text,
  least_place edgechat.found_message, below edgechat.found_message, wanted int
) returns setof edgechat.found_message language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  ids uuid[];
  blocks int[];
  newest timestamptz[];
  next int := 1;
  step int := 1;
  so_far edgechat.found_message[] := '{}';
begin
  select array_agg(b.id order by b.newest_at desc), array_agg(b.n order by b.newest_at desc), array_agg(b.newest_at order by b.newest_at desc) into ids, blocks, newest
  from (
    select c.id, k.n,
      coalesce((select m.created_at from edgechat.messages m where k.n < c.top and m.conversation_id = c.id and m.seq = (k.n + 1) * 4096::bigint), c.updated_at) as newest_at,
      coalesce((select m.created_at from edgechat.messages m where k.n > 0 and m.conversation_id = c.id and m.seq = k.n * 4096::bigint + 1), c.created_at) as oldest_at
    from edgechat.inbox i
      cross join lateral (
        select t.id, t.created_at, t.updated_at, ((t.last_seq - 1) / 4096)::int as top from edgechat.conversations t where t.id = i.conversation_id and t.deleted_at is null and t.last_seq > 0 limit 1
      ) c
      cross join lateral generate_series(0, c.top) k(n)
    where i.account_id = reader
      and i.conversation_id >= coalesce(only_conversation, '00000000-0000-0000-0000-000000000000') and i.conversation_id <= coalesce(only_conversation, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  ) b
  where b.newest_at >= (least_place).at and b.oldest_at <= (below).at;

  while next <= cardinality(ids) loop
    if cardinality(so_far) >= wanted then
      exit when newest[next] < so_far[wanted].at;
      least_place := so_far[wanted];
    end if;
    so_far := edgechat.find_in_blocks(so_far, ids[next : next + step - 1], blocks[next : next + step - 1], only_author, only_role, probe, whole, ranking, first, least_place, below, wanted);
    next := next + step;
    step := least(step * 2, 256);
  end loop;
  return query select * from unnest(so_far);
end $$;
`;
