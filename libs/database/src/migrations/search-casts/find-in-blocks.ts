/** As in bounded-work/search-functions.ts, but for when its queries are cast. */
export const FIND_IN_BLOCKS = `
create or replace function edgechat.find_in_blocks(
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
      select w.created_at, w.conversation_id, w.seq, case when q.first is null then w.density / (1 + w.density) else w.density / (1 + w.density) / 2 + w.is_first::int * 0.5 end
      from unnest(ids, blocks) b(id, n)
        cross join lateral (select right(b.id::text, 8) || to_hex(b.n) || '.' as prefix offset 0) p
        -- Cast here: in the query below, each message that is ranked would cast them again. ("offset 0" keeps the planner from moving them there.)
        cross join lateral (
          select replace(probe, '#', p.prefix)::tsquery as probe, replace(whole, '#', p.prefix)::tsquery as whole,
            replace(ranking, '#', p.prefix)::tsquery as ranking, replace(first, '#', p.prefix)::tsquery as first
          offset 0
        ) q
        cross join lateral (
          select t.created_at, t.conversation_id, t.seq, ts_rank_cd('{1,1,1,1}', t.words, q.ranking)::double precision * (1 + 0.00006 / (1 + length(t.words))) as density,
            q.first is not null and ts_match_vq(t.words, q.first) as is_first
          from (
            select x.* from edgechat.search_words x
            where x.words @@ q.probe
              and uuid_eq(x.conversation_id, b.id)
              and (only_author is null or x.author = only_author)
              and (only_role is null or (x.author = 0) = (only_role = 'model'))
              and (x.created_at, x.conversation_id, x.seq) >= ((least_place).at, (least_place).conversation_id, (least_place).seq)
              and (x.created_at, x.conversation_id, x.seq) < ((below).at, (below).conversation_id, (below).seq)
              and (q.whole is null or ts_match_vq(x.words, q.whole))
            order by x.created_at desc, x.seq desc limit wanted
          ) t
        ) w
    ) a
    order by a.at desc, a.conversation_id desc, a.seq desc limit wanted);
end $$;
`;
