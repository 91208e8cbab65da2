/**
 * Makes a conversation with its members, or gives the one that is there: the same key's within 24 h, or the direct one of a pair.
 *
 * What holds: (1) two makers of one direct conversation wait for each other at the pair's row, and both get the same one. (2) When nothing can be made, nothing is written, not even the key.
 * (3) A conversation with more than \`write_limit\` members is large from its beginning; no account is in more than \`large_max\` large ones, or in more than \`of_strangers_max\` of strangers, which a lock on the
 * accounts keeps true. (4) The strangers among \`others\` are counted when it is made, and then only: what was there before is given whatever the creator has used up.
 *
 * Outcomes: created, replayed, found, key_reused, too_many_large, too_many_strangers (\`retry_after_s\` says when to come back). \`others\`: accounts that exist, without the creator, each once.
 * \`strangers_per_day\`: null where that is not limited.
 */
export const MAKE_CONVERSATION = `
create or replace function edgechat.make_conversation(
  new_id uuid, creator bigint, new_kind text, new_title text, new_assistant text, key text, hash text, others bigint[], write_limit int, large_max int, of_strangers_max int, strangers_per_day bigint
) returns table (outcome text, conversation_id uuid, retry_after_s int) language plpgsql as $$
declare
  earlier edgechat.conversation_keys;
  pair edgechat.direct_pairs;
  everybody bigint[] := creator || others;
  becomes_large boolean := cardinality(others) + 1 > write_limit;
  stamp timestamptz := date_trunc('milliseconds', clock_timestamp());
  refused text;
  back_in_s int;
begin
  if key is not null then
    -- Waits for a transaction that just wrote the same key. Only the statements after it see what that one made.
    insert into edgechat.conversation_keys (account_id, client_key, conversation_id, request_hash) values (creator, key, new_id, hash) on conflict do nothing;
    if not found then
      select * into earlier from edgechat.conversation_keys k where k.account_id = creator and k.client_key = key for update;
      if earlier.created_at > clock_timestamp() - interval '24 hours' and exists (select from edgechat.conversations c where c.id = earlier.conversation_id and c.deleted_at is null) then
        return query select case when earlier.request_hash = hash then 'replayed' else 'key_reused' end, earlier.conversation_id, null::int;
        return;
      end if;
      -- (Where another call has just removed the old key, there is nothing to update.)
      insert into edgechat.conversation_keys (account_id, client_key, conversation_id, request_hash) values (creator, key, new_id, hash) on conflict do nothing;
      update edgechat.conversation_keys k set conversation_id = new_id, request_hash = hash, created_at = clock_timestamp() where k.account_id = creator and k.client_key = key;
    end if;
    -- Others that are over; after the own one, and without waiting, so that two makers never wait for each other.
    delete from edgechat.conversation_keys o where o.ctid = any (array(select k.ctid from edgechat.conversation_keys k
      where k.account_id = creator and k.created_at < clock_timestamp() - interval '24 hours' and k.client_key <> key limit 100 for update skip locked));
  end if;

  while new_kind = 'direct' loop
    insert into edgechat.direct_pairs as p (low_account, high_account, conversation_id) values (least(creator, others[1]), greatest(creator, others[1]), new_id) on conflict do nothing;
    exit when found;
    select * into pair from edgechat.direct_pairs p where p.low_account = least(creator, others[1]) and p.high_account = greatest(creator, others[1]) for update;
    continue when pair.conversation_id is null; -- it was deleted between the two statements
    if exists (select from edgechat.conversations c where c.id = pair.conversation_id and c.deleted_at is null) then
      update edgechat.conversation_keys k set conversation_id = pair.conversation_id where k.account_id = creator and k.client_key = key;
      return query select 'found', pair.conversation_id, null::int;
      return;
    end if;
    update edgechat.direct_pairs p set conversation_id = new_id where p.low_account = pair.low_account and p.high_account = pair.high_account;
    exit;
  end loop;

  if becomes_large and edgechat.too_many_large(everybody, null, creator, large_max, of_strangers_max) then
    refused := 'too_many_large';
  else
    back_in_s := edgechat.meet_strangers(creator, others, strangers_per_day);
    refused := case when back_in_s is not null then 'too_many_strangers' end;
  end if;
  if refused is not null then
    delete from edgechat.conversation_keys k where k.account_id = creator and k.client_key = key;
    delete from edgechat.direct_pairs p where new_kind = 'direct' and p.low_account = least(creator, others[1]) and p.high_account = greatest(creator, others[1]) and p.conversation_id = new_id;
    return query select refused, null::uuid, back_in_s;
    return;
  end if;

  insert into edgechat.conversations (id, kind, title, assistant, member_count, is_large, created_at, updated_at)
    values (new_id, new_kind, new_title, new_assistant, cardinality(everybody), becomes_large, stamp, stamp);
  -- Who made it has been there longest. In each inbox it stands where its member came.
  with joined as (
    insert into edgechat.members (conversation_id, account_id, role, joined_at, added_by)
      select new_id, a, case when a = creator then 'owner' else 'member' end, case when a = creator then stamp else stamp + interval '1 millisecond' end, case when a <> creator then creator end from unnest(everybody) a
      returning account_id, joined_at
  )
  insert into edgechat.inbox (account_id, conversation_id, ordered_at)
    select j.account_id, new_id, case when becomes_large then '-infinity' else j.joined_at end from joined j order by j.account_id;
  return query select 'created', new_id, null::int;
end $$;
`;
