/** A random number of 53 bits, from those of a UUIDv4 that are random: its first 48, and 5 of those behind the version. */
export const DRAW_ACCOUNT_ID = `
create function edgechat.draw_account_id() returns bigint language sql volatile as $$
  select ('x' || left(u.hex, 12) || substr(u.hex, 14, 2))::bit(56)::bigint >> 3 from (select replace(gen_random_uuid()::text, '-', '') as hex) u;
$$;
`;

/**
 * An id for a new account: random, of 33 to 53 bits, and no account's yet. (The first backend, and the releases before, counted from 1: those ids are below.)
 * Two that draw the same one at once do not see each other: the primary key refuses the later one, which draws again.
 */
export const NEW_ACCOUNT_ID = `
create function edgechat.new_account_id() returns bigint language plpgsql volatile as $$
declare
  drawn bigint;
begin
  for n in 1 .. 100 loop
    drawn := edgechat.draw_account_id();
    if drawn >= 4294967296 and not exists (select from edgechat.accounts a where a.id = drawn) then
      return drawn;
    end if;
  end loop;
  raise exception 'of 100 account ids that were drawn none was free';
end $$;
`;

/** As a default, so that the release before, which names no id, gets such ones too. */
export const RANDOM_ACCOUNT_IDS = `
alter table edgechat.accounts alter column id drop identity;
alter table edgechat.accounts alter column id set default edgechat.new_account_id();
`;
