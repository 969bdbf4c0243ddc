-- Up Migration

-- The keyed hash under which the account would be erased: for `assert_not_erased`, and to find the
-- accounts whose erasures are repeated after a restore. Null: of a release whose tombstones have no
-- key; `hashAccounts` fills it in.
alter table scoring.account add column account_hash bytea;
create index account_unhashed on scoring.account (tenant_id, account_id) where account_hash is null;

create or replace function scoring.assert_not_erased() returns trigger language plpgsql as $$
begin
  if exists (
    select from born b join scoring.erased_account e
      on e.tenant_id = b.tenant_id
        and e.account_hash = any(array[b.account_hash, access.account_hash(b.tenant_id, b.account_id)])
    where b.version <= e.version) then
    raise exception 'an account was erased since it was read' using errcode = 'PU409';
  end if;
  return null;
end $$;
