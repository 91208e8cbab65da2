/**
 * A conversation stands in a member's inbox no deeper than where the member came: at the later of its last message and `joined_at`. Who takes somebody in writes so; the release before writes the last message alone,
 * which is put right here, in its own transaction. (One that is ordered on reading stays at '-infinity'.) To be dropped when that release is gone.
 */
export const PLACE_JOINED = `
create function edgechat.place_joined() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  update edgechat.inbox i set ordered_at = j.joined_at from joined j
    where i.account_id = j.account_id and i.conversation_id = j.conversation_id and i.ordered_at < j.joined_at and i.ordered_at > '-infinity';
  return null;
end $$;
create trigger members_place_joined after insert on edgechat.members referencing new table as joined for each statement execute function edgechat.place_joined();
`;

const BATCH = 5_000;

/**
 * Does the same for the next 5,000 members behind a key, who are there already; gives the last one's key, or nothing when there was none.
 * Inbox rows are locked in the order in which all others write them, and looked at once more under the lock.
 */
export const PLACE_NEXT_MEMBERS = `
with batch as (
  select m.conversation_id, m.account_id, m.joined_at from edgechat.members m
  where (m.conversation_id, m.account_id) > ($1::uuid, $2::bigint) order by m.conversation_id, m.account_id limit ${BATCH}
), behind as (
  select i.account_id, i.conversation_id, s.joined_at
  from batch s join edgechat.inbox i on i.account_id = s.account_id and i.conversation_id = s.conversation_id
  where i.ordered_at < s.joined_at and i.ordered_at > '-infinity' order by s.conversation_id, s.account_id for update of i
), placed as (
  update edgechat.inbox i set ordered_at = b.joined_at from behind b where i.account_id = b.account_id and i.conversation_id = b.conversation_id
)
select conversation_id, account_id::text from batch order by conversation_id desc, account_id desc limit 1
`;
